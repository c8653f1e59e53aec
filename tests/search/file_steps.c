/* Preloaded into a publisher: counts its file-system steps below one folder, and dies at one.
 *
 * Every call that changes files counts, whoever makes it: Python, Arrow, faiss, the C library's
 * streams (made unbuffered, so that each fwrite is a step). Before it dies it says which files hold
 * bytes that were never flushed, from which offset on: what a power cut may take away.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FILES 4096

static char root[PATH_MAX], report[PATH_MAX];
static long count, die_at;
static int torn;
static struct { dev_t device; ino_t inode; off_t low; } unflushed[FILES];
static int files;

void crash_arm(const char *folder, long step, int tears, const char *where) {
    snprintf(root, sizeof root, "%s/", folder);
    snprintf(report, sizeof report, "%s", where);
    count = 0, die_at = step, torn = tears, files = 0;
}

long crash_count(void) { return count; }

static int below(int folder, const char *path) {
    char whole[2 * PATH_MAX], link[64];
    if (!root[0] || !path) return 0;
    if (path[0] == '/') return !strncmp(path, root, strlen(root));
    if (folder == AT_FDCWD) {
        if (!getcwd(whole, PATH_MAX)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, whole, PATH_MAX - 1);
        if (length < 0) return 0;
        whole[length] = 0;
    }
    strcat(whole, "/");
    strncat(whole, path, PATH_MAX - 1);
    return !strncmp(whole, root, strlen(root));
}

static int is_below(int file) {
    char link[64], path[PATH_MAX];
    if (!root[0] || file < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return !strncmp(path, root, strlen(root));
}

/* Returns whether this is the step to die at. */
static int is_last(void) { return __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST) == die_at; }

static void die(void) {
    FILE *file;
    root[0] = 0;
    file = REAL(fopen)(report, "w");
    for (int i = 0; file && i < files; i++)
        if (unflushed[i].inode)
            fprintf(file, "%ld %ld %ld\n", (long)unflushed[i].device, (long)unflushed[i].inode,
                    (long)unflushed[i].low);
    if (file) REAL(fclose)(file);
    _exit(137);
}

static void changed(int file, off_t from) {
    struct stat status;
    if (fstat(file, &status)) return;
    for (int i = 0; i < files; i++)
        if (unflushed[i].inode == status.st_ino && unflushed[i].device == status.st_dev) {
            if (from < unflushed[i].low) unflushed[i].low = from;
            return;
        }
    if (files == FILES) abort();
    unflushed[files].device = status.st_dev, unflushed[files].inode = status.st_ino;
    unflushed[files++].low = from;
}

static void flushed(int file) {
    struct stat status;
    if (fstat(file, &status)) return;
    for (int i = 0; i < files; i++)
        if (unflushed[i].inode == status.st_ino && unflushed[i].device == status.st_dev)
            unflushed[i].inode = 0;
}

static off_t place(int file) {
    struct stat status;
    if (fcntl(file, F_GETFL) & O_APPEND) return fstat(file, &status) ? 0 : status.st_size;
    return lseek(file, 0, SEEK_CUR);
}

#define WRITES(flags) (((flags) & O_ACCMODE) != O_RDONLY || ((flags) & (O_CREAT | O_TRUNC)))
#define OPENER(name)                                                            \
    int name(const char *path, int flags, ...) {                                \
        va_list more;                                                           \
        va_start(more, flags);                                                  \
        int mode = va_arg(more, int);                                           \
        va_end(more);                                                           \
        if (WRITES(flags) && below(AT_FDCWD, path) && is_last()) die();         \
        return REAL(name)(path, flags, mode);                                   \
    }
#define OPENER_AT(name)                                                         \
    int name(int folder, const char *path, int flags, ...) {                    \
        va_list more;                                                           \
        va_start(more, flags);                                                  \
        int mode = va_arg(more, int);                                           \
        va_end(more);                                                           \
        if (WRITES(flags) && below(folder, path) && is_last()) die();           \
        return REAL(name)(folder, path, flags, mode);                           \
    }
OPENER(open)
OPENER(open64)
OPENER_AT(openat)
OPENER_AT(openat64)

int creat(const char *path, mode_t mode) {
    if (below(AT_FDCWD, path) && is_last()) die();
    return REAL(creat)(path, mode);
}

#define STREAM_OPENER(name)                                                     \
    FILE *name(const char *path, const char *mode) {                            \
        int counts = strpbrk(mode, "wa+") && below(AT_FDCWD, path);             \
        if (counts && is_last()) die();                                         \
        FILE *file = REAL(name)(path, mode);                                    \
        if (counts && file) setvbuf(file, NULL, _IONBF, 0);                     \
        return file;                                                            \
    }
STREAM_OPENER(fopen)
STREAM_OPENER(fopen64)

size_t fwrite(const void *bytes, size_t size, size_t items, FILE *file) {
    if (is_below(fileno(file))) {
        changed(fileno(file), ftello(file));
        if (is_last()) {
            if (torn) REAL(fwrite)(bytes, 1, size * items / 2, file);
            die();
        }
    }
    return REAL(fwrite)(bytes, size, items, file);
}

ssize_t write(int file, const void *bytes, size_t size) {
    if (is_below(file)) {
        changed(file, place(file));
        if (is_last()) {
            if (torn && REAL(write)(file, bytes, size / 2) < 0) abort();
            die();
        }
    }
    return REAL(write)(file, bytes, size);
}

#define WRITER_AT(name)                                                         \
    ssize_t name(int file, const void *bytes, size_t size, off_t from) {        \
        if (is_below(file)) {                                                   \
            changed(file, from);                                                \
            if (is_last()) {                                                    \
                if (torn && REAL(name)(file, bytes, size / 2, from) < 0) abort(); \
                die();                                                          \
            }                                                                   \
        }                                                                       \
        return REAL(name)(file, bytes, size, from);                             \
    }
WRITER_AT(pwrite)
WRITER_AT(pwrite64)

ssize_t writev(int file, const struct iovec *parts, int number) {
    if (is_below(file)) {
        changed(file, place(file));
        if (is_last()) {
            if (torn && REAL(writev)(file, parts, number / 2) < 0) abort();
            die();
        }
    }
    return REAL(writev)(file, parts, number);
}

#define SENDER(name)                                                            \
    ssize_t name(int to, int from, off_t *place_from, size_t size) {            \
        if (is_below(to)) {                                                     \
            changed(to, place(to));                                             \
            struct stat status;                                                 \
            if (is_last()) {                                                    \
                if (torn && !fstat(from, &status))                              \
                    if (REAL(name)(to, from, place_from, status.st_size / 2) < 0) abort(); \
                die();                                                          \
            }                                                                   \
        }                                                                       \
        return REAL(name)(to, from, place_from, size);                          \
    }
SENDER(sendfile)
SENDER(sendfile64)

ssize_t copy_file_range(int from, off64_t *place_from, int to, off64_t *place_to, size_t size,
                        unsigned flags) {
    if (is_below(to)) {
        changed(to, place_to ? *place_to : place(to));
        if (is_last()) die();
    }
    return REAL(copy_file_range)(from, place_from, to, place_to, size, flags);
}

#define CUTTER(name)                                                            \
    int name(int file, off_t size) {                                            \
        if (is_below(file)) {                                                   \
            if (is_last()) die();                                               \
            changed(file, size);                                                \
        }                                                                       \
        return REAL(name)(file, size);                                          \
    }
CUTTER(ftruncate)
CUTTER(ftruncate64)

#define FLUSHER(name)                                                           \
    int name(int file) {                                                        \
        if (!is_below(file)) return REAL(name)(file);                           \
        if (is_last()) die();                                                   \
        int failed = REAL(name)(file);                                          \
        if (!failed) flushed(file);                                             \
        return failed;                                                          \
    }
FLUSHER(fsync)
FLUSHER(fdatasync)

#define ON_PATH(name, type, argument)                                           \
    int name(const char *path, type argument) {                                 \
        if (below(AT_FDCWD, path) && is_last()) die();                          \
        return REAL(name)(path, argument);                                      \
    }
ON_PATH(truncate, off_t, size)
ON_PATH(truncate64, off_t, size)
ON_PATH(mkdir, mode_t, mode)

#define GONE(name)                                                              \
    int name(const char *path) {                                                \
        if (below(AT_FDCWD, path) && is_last()) die();                          \
        return REAL(name)(path);                                                \
    }
GONE(unlink)
GONE(rmdir)
GONE(remove)

int mkdirat(int folder, const char *path, mode_t mode) {
    if (below(folder, path) && is_last()) die();
    return REAL(mkdirat)(folder, path, mode);
}

int unlinkat(int folder, const char *path, int flags) {
    if (below(folder, path) && is_last()) die();
    return REAL(unlinkat)(folder, path, flags);
}

#define MOVER(name)                                                             \
    int name(const char *from, const char *to) {                                \
        if (below(AT_FDCWD, to) && is_last()) die();                            \
        return REAL(name)(from, to);                                            \
    }
MOVER(rename)
MOVER(link)
MOVER(symlink)

int renameat(int at, const char *from, int folder, const char *to) {
    if (below(folder, to) && is_last()) die();
    return REAL(renameat)(at, from, folder, to);
}

int linkat(int at, const char *from, int folder, const char *to, int flags) {
    if (below(folder, to) && is_last()) die();
    return REAL(linkat)(at, from, folder, to, flags);
}
