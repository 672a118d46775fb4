#include "recorder.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct recorded_file {
    sqlite3_file base;
    char *path;
    int syncs_directory;  // the next sync also syncs the directory, as in os_unix.c
    sqlite3_file *real;
};

static struct {
    pthread_mutex_t lock;
    char *directory;
    int recording;
    int failing;
    struct recorder_event *events;
    size_t count, capacity;
} log_ = {.lock = PTHREAD_MUTEX_INITIALIZER};

static sqlite3_vfs *real_vfs;

static int below(const char *path) {
    return log_.directory && path && strncmp(path, log_.directory, strlen(log_.directory)) == 0;
}

static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

static void record(
    enum recorder_operation operation, const char *path, int64_t offset, const void *bytes,
    size_t length) {
    pthread_mutex_lock(&log_.lock);
    if (log_.recording && (operation == RECORDER_MARK || below(path))) {
        if (log_.count == log_.capacity) {
            log_.capacity = log_.capacity ? 2 * log_.capacity : 1024;
            log_.events = must(realloc(log_.events, log_.capacity * sizeof *log_.events));
        }
        unsigned char *copy = NULL;
        if (length) memcpy(copy = must(malloc(length)), bytes, length);
        log_.events[log_.count++] = (struct recorder_event){
            operation, must(strdup(path ? path : "")), offset, length, copy};
    }
    pthread_mutex_unlock(&log_.lock);
}

static struct recorded_file *recorded(sqlite3_file *file) { return (struct recorded_file *)file; }
static sqlite3_file *real(sqlite3_file *file) { return recorded(file)->real; }

static int file_close(sqlite3_file *file) {
    int code = real(file)->pMethods ? real(file)->pMethods->xClose(real(file)) : SQLITE_OK;
    free(recorded(file)->path);
    free(recorded(file)->real);
    file->pMethods = NULL;
    return code;
}

static int file_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset) {
    return real(file)->pMethods->xRead(real(file), bytes, length, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset) {
    int code = real(file)->pMethods->xWrite(real(file), bytes, length, offset);
    if (code == SQLITE_OK)
        record(RECORDER_WRITE, recorded(file)->path, offset, bytes, (size_t)length);
    return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int code = real(file)->pMethods->xTruncate(real(file), size);
    if (code == SQLITE_OK) record(RECORDER_TRUNCATE, recorded(file)->path, size, NULL, 0);
    return code;
}

static int is_failing(const char *path) {
    pthread_mutex_lock(&log_.lock);
    int answer = log_.failing && below(path);
    pthread_mutex_unlock(&log_.lock);
    return answer;
}

static int file_sync(sqlite3_file *file, int flags) {
    if (is_failing(recorded(file)->path)) return SQLITE_IOERR_FSYNC;
    int code = real(file)->pMethods->xSync(real(file), flags);
    if (code != SQLITE_OK) return code;
    record(RECORDER_SYNC, recorded(file)->path, 0, NULL, 0);
    if (recorded(file)->syncs_directory) {
        recorded(file)->syncs_directory = 0;
        record(RECORDER_SYNC_DIRECTORY, recorded(file)->path, 0, NULL, 0);
    }
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real(file)->pMethods->xFileSize(real(file), size);
}
static int file_lock(sqlite3_file *file, int level) {
    return real(file)->pMethods->xLock(real(file), level);
}
static int file_unlock(sqlite3_file *file, int level) {
    return real(file)->pMethods->xUnlock(real(file), level);
}
static int file_reserved(sqlite3_file *file, int *answer) {
    return real(file)->pMethods->xCheckReservedLock(real(file), answer);
}
static int file_control(sqlite3_file *file, int operation, void *argument) {
    // A hint may grow the file behind the recorder's back.
    if (operation == SQLITE_FCNTL_SIZE_HINT || operation == SQLITE_FCNTL_CHUNK_SIZE)
        return SQLITE_OK;
    return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
static int file_sector_size(sqlite3_file *file) {
    return real(file)->pMethods->xSectorSize(real(file));
}
static int file_device(sqlite3_file *file) {
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

// Version 1 has neither shared memory nor mapped pages: a store that used them would fail to open
// here, instead of writing what the recorder cannot see.
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_device,
};

static int vfs_open(
    sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *flags_out) {
    (void)vfs;
    struct recorded_file *wrapped = recorded(file);
    file->pMethods = NULL;
    int existed = 0;
    if (path) real_vfs->xAccess(real_vfs, path, SQLITE_ACCESS_EXISTS, &existed);
    wrapped->real = must(calloc(1, (size_t)real_vfs->szOsFile));
    wrapped->path = must(strdup(path ? path : ""));
    int code = real_vfs->xOpen(real_vfs, path, wrapped->real, flags, flags_out);
    if (code != SQLITE_OK) {
        free(wrapped->real);
        free(wrapped->path);
        return code;
    }
    int creates = (flags & SQLITE_OPEN_CREATE) && !existed;
    wrapped->syncs_directory =
        (flags & SQLITE_OPEN_CREATE)
        && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL));
    if (creates) record(RECORDER_CREATE, path, 0, NULL, 0);
    file->pMethods = &methods;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int syncs_directory) {
    (void)vfs;
    int code = real_vfs->xDelete(real_vfs, path, syncs_directory);
    if (code == SQLITE_OK) {
        record(RECORDER_DELETE, path, 0, NULL, 0);
        if (syncs_directory) record(RECORDER_SYNC_DIRECTORY, path, 0, NULL, 0);
    }
    return code;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *answer) {
    (void)vfs;
    return real_vfs->xAccess(real_vfs, path, flags, answer);
}
static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int length, char *full) {
    (void)vfs;
    return real_vfs->xFullPathname(real_vfs, path, length, full);
}
static int vfs_randomness(sqlite3_vfs *vfs, int length, char *bytes) {
    (void)vfs;
    return real_vfs->xRandomness(real_vfs, length, bytes);
}
static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return real_vfs->xSleep(real_vfs, microseconds);
}
static int vfs_time(sqlite3_vfs *vfs, double *now) {
    (void)vfs;
    return real_vfs->xCurrentTime(real_vfs, now);
}
static int vfs_time_64(sqlite3_vfs *vfs, sqlite3_int64 *now) {
    (void)vfs;
    return real_vfs->xCurrentTimeInt64(real_vfs, now);
}
static int vfs_last_error(sqlite3_vfs *vfs, int length, char *text) {
    (void)vfs;
    return real_vfs->xGetLastError(real_vfs, length, text);
}

static sqlite3_vfs vfs = {
    .iVersion = 2,
    .szOsFile = sizeof(struct recorded_file),
    .zName = "recorder",
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_path,
    .xRandomness = vfs_randomness,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_time,
    .xGetLastError = vfs_last_error,
    .xCurrentTimeInt64 = vfs_time_64,
};

int recorder_install(void) {
    pthread_mutex_lock(&log_.lock);
    int code = SQLITE_OK;
    if (!real_vfs) {
        real_vfs = sqlite3_vfs_find(NULL);
        if (!real_vfs) {
            code = SQLITE_NOTFOUND;
        } else {
            vfs.mxPathname = real_vfs->mxPathname;
            code = sqlite3_vfs_register(&vfs, 1);
        }
    }
    pthread_mutex_unlock(&log_.lock);
    return code;
}

void recorder_start(const char *directory) {
    pthread_mutex_lock(&log_.lock);
    for (size_t index = 0; index < log_.count; index++) {
        free((void *)log_.events[index].path);
        free((void *)log_.events[index].bytes);
    }
    log_.count = 0;
    free(log_.directory);
    log_.directory = must(strdup(directory));
    log_.recording = 1;
    pthread_mutex_unlock(&log_.lock);
}

void recorder_stop(void) {
    pthread_mutex_lock(&log_.lock);
    log_.recording = 0;
    pthread_mutex_unlock(&log_.lock);
}

void recorder_mark(int64_t value) { record(RECORDER_MARK, NULL, value, NULL, 0); }

size_t recorder_count(void) { return log_.count; }

struct recorder_event recorder_at(size_t index) { return log_.events[index]; }

void recorder_fail_syncs(int on) {
    pthread_mutex_lock(&log_.lock);
    log_.failing = on;
    pthread_mutex_unlock(&log_.lock);
}
