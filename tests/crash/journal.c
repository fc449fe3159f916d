/* Loaded before the C library: keeps a journal of what is written to the files whose paths begin with $WATCHED.

   An entry of $JOURNAL: kind ('w'rite, 't'runcate, 's'ync, 'u'nlink), 7 bytes unused, then as 64-bit integers the
   monotonic nanoseconds when it was done, an offset, the length of the path and of the data; then path and data.
   A write is entered before it is done. The offset of a sync is the journal's length when it began: what was
   entered before that is on the disk when the sync is entered. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

struct entry {
    char kind[8];
    int64_t at, offset, path_length, data_length;
};

static int journal(void) {
    static int fd = -1;
    if (fd < 0) {
        int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
        fd = real(getenv("JOURNAL"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0) abort();
    }
    return fd;
}

static int watched(const char *path) {
    const char *prefix = getenv("WATCHED");
    return prefix && strncmp(path, prefix, strlen(prefix)) == 0;
}

/* The path of an open file, if it is one of those. */
static int is_watched(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return watched(path);
}

static void enter(char kind, const char *path, int64_t offset, const void *data, int64_t length) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct entry entry = {{kind}, now.tv_sec * 1000000000LL + now.tv_nsec, offset, (int64_t)strlen(path), length};
    struct iovec parts[] = {{&entry, sizeof entry}, {(void *)path, strlen(path)}, {(void *)data, (size_t)length}};
    pthread_mutex_lock(&one_at_a_time);
    if (writev(journal(), parts, 3) != (ssize_t)(sizeof entry + strlen(path) + (size_t)length)) abort();
    pthread_mutex_unlock(&one_at_a_time);
}

static ssize_t write_at(const char *name, int fd, const void *data, size_t length, off_t offset) {
    char path[4096];
    if (is_watched(fd, path, sizeof path)) enter('w', path, offset, data, (int64_t)length);
    return ((ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, name))(fd, data, length, offset);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return write_at("pwrite", fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
    return write_at("pwrite64", fd, data, length, offset);
}

ssize_t write(int fd, const void *data, size_t length) {
    char path[4096];
    if (is_watched(fd, path, sizeof path)) enter('w', path, lseek(fd, 0, SEEK_CUR), data, (int64_t)length);
    return ((ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(fd, data, length);
}

static int truncate_to(const char *name, int fd, off_t length) {
    char path[4096];
    if (is_watched(fd, path, sizeof path)) enter('t', path, length, "", 0);
    return ((int (*)(int, off_t))dlsym(RTLD_NEXT, name))(fd, length);
}

int ftruncate(int fd, off_t length) { return truncate_to("ftruncate", fd, length); }
int ftruncate64(int fd, off_t length) { return truncate_to("ftruncate64", fd, length); }

static int sync_file(const char *name, int fd) {
    char path[4096];
    int ours = is_watched(fd, path, sizeof path);
    int64_t before = ours ? lseek(journal(), 0, SEEK_END) : 0;
    int status = ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
    if (ours && status == 0) enter('s', path, before, "", 0);
    return status;
}

int fsync(int fd) { return sync_file("fsync", fd); }
int fdatasync(int fd) { return sync_file("fdatasync", fd); }

int unlink(const char *path) {
    if (watched(path)) enter('u', path, 0, "", 0);
    return ((int (*)(const char *))dlsym(RTLD_NEXT, "unlink"))(path);
}
