// An SQLite VFS that writes down what is written, so that the disk after a power cut can be
// rebuilt at any moment. For tests: one recording at a time, everything in memory.
#ifndef SKERRY_RECORDER_H
#define SKERRY_RECORDER_H

#include <stddef.h>
#include <stdint.h>

enum recorder_operation {
    RECORDER_CREATE = 1,
    RECORDER_WRITE = 2,
    RECORDER_TRUNCATE = 3,  // `offset` is the new length
    RECORDER_SYNC = 4,
    RECORDER_DELETE = 5,
    RECORDER_SYNC_DIRECTORY = 6,
    RECORDER_MARK = 7,  // `offset` is what the caller passed
};

struct recorder_event {
    enum recorder_operation operation;
    const char *path;  // of the file, as SQLite opened it
    int64_t offset;
    size_t length;
    const unsigned char *bytes;
};

// Makes the recorder the default VFS of this process. Files opened before are not recorded.
// Answers 0, or an SQLite error.
int recorder_install(void);

// Starts over, recording files whose path begins with `directory`.
void recorder_start(const char *directory);
// Stops recording; the events stay until the next start.
void recorder_stop(void);
// Puts a moment that the caller knows of, such as an acknowledgement, between the events.
void recorder_mark(int64_t value);

size_t recorder_count(void);
struct recorder_event recorder_at(size_t index);

// While on, each sync below `directory` of the last start fails as if the disk had (EIO).
void recorder_fail_syncs(int on);

#endif
