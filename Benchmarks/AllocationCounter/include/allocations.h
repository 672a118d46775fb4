#ifndef SKERRY_ALLOCATIONS_H
#define SKERRY_ALLOCATIONS_H

#include <stdint.h>

/// Allocations of the whole process since its start. A program that links this counts them: its own
/// malloc stands before the C library's.
uint64_t allocations(void);

#endif
