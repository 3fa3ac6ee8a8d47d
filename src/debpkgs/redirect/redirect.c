/*
 * Shows a program of Debian the files that it was compiled to find below /usr, where they lie in the store. Some programs take no
 * variable that would say so (nodejs, ruby, gdb's Python): unit.sh links this library into them, before the C library, so that their
 * calls come here first. Nothing reaches the programs that they start.
 *
 * ROOTS is a list of folders, each ended by a zero byte, the list by an empty one. A path below /usr is looked for in them and else
 * left alone; one below /etc is left alone where the machine has it. Calls that the C library makes inside itself do not pass here;
 * that is why fopen, realpath and the like stand beside open.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char roots[] = ROOTS;

static long (*kernel)(long number, ...);

/* The system call itself: the functions that make it are the ones below. */
static int exists(const char *path) {
  int before = errno;
  if (kernel == NULL) kernel = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  long answer = kernel(SYS_faccessat, AT_FDCWD, path, F_OK);
  errno = before;
  return answer == 0;
}

static int starts(const char *path, const char *prefix) {
  size_t length = strlen(prefix);
  return strncmp(path, prefix, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Where to look for a path: itself, or what is written to `buffer`. */
static const char *place(const char *path, char *buffer) {
  const char *rest;
  if (path == NULL || path[0] != '/') return path;
  if (starts(path, "/usr")) {
    rest = path + 4;
    if (starts(rest, "/local") || starts(rest, "/src")) return path;
    if (starts(rest, "/sbin") || starts(rest, "/games")) rest = strchr(rest + 1, '/') ? strchr(rest + 1, '/') - 4 : NULL;
    if (rest == NULL) return path;
  } else if (starts(path, "/etc")) {
    rest = path;
    if (exists(path)) return path;
  } else {
    return path;
  }
  for (const char *root = roots; *root != 0; root += strlen(root) + 1) {
    int length;
    if (starts(path, "/usr/sbin") || starts(path, "/usr/games"))
      length = snprintf(buffer, PATH_MAX, "%s/bin%s", root, strchr(path + 5, '/') ? strchr(path + 5, '/') : "");
    else
      length = snprintf(buffer, PATH_MAX, "%s%s", root, rest);
    if (length < PATH_MAX && exists(buffer)) return buffer;
  }
  return path;
}

#define PLACE(path) char buffer_##path[PATH_MAX]; const char *placed_##path = place(path, buffer_##path)
/* The next function of this one's name: the C library's. */
#define NEXT(result, name, ...) \
  static result (*next)(__VA_ARGS__); \
  if (next == NULL) next = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define PATH1(result, name) \
  result name(const char *path) { NEXT(result, name, const char *); PLACE(path); return next(placed_path); }
#define PATH2(result, name, type2) \
  result name(const char *path, type2 b) { NEXT(result, name, const char *, type2); PLACE(path); return next(placed_path, b); }
#define AT3(result, name, type3) \
  result name(int at, const char *path, type3 c) { NEXT(result, name, int, const char *, type3); PLACE(path); return next(at, placed_path, c); }
#define AT4(result, name, type3, type4) \
  result name(int at, const char *path, type3 c, type4 d) { \
    NEXT(result, name, int, const char *, type3, type4); PLACE(path); return next(at, placed_path, c, d); }

#define MODE(flags, mode) \
  mode_t mode = 0; \
  if (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }
#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    MODE(flags, mode) NEXT(int, name, const char *, int, ...); PLACE(path); return next(placed_path, flags, mode); }
#define OPENAT(name) \
  int name(int at, const char *path, int flags, ...) { \
    MODE(flags, mode) NEXT(int, name, int, const char *, int, ...); PLACE(path); return next(at, placed_path, flags, mode); }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
PATH2(int, __open_2, int)
PATH2(int, __open64_2, int)
AT3(int, __openat_2, int)
AT3(int, __openat64_2, int)
PATH2(FILE *, fopen, const char *)
PATH2(FILE *, fopen64, const char *)
PATH1(DIR *, opendir)
PATH2(int, stat, struct stat *)
PATH2(int, stat64, struct stat64 *)
PATH2(int, lstat, struct stat *)
PATH2(int, lstat64, struct stat64 *)
AT3(int, __xstat, struct stat *)
AT3(int, __xstat64, struct stat64 *)
AT3(int, __lxstat, struct stat *)
AT3(int, __lxstat64, struct stat64 *)
AT4(int, fstatat, struct stat *, int)
AT4(int, fstatat64, struct stat64 *, int)
PATH2(int, access, int)
PATH2(int, eaccess, int)
PATH2(int, euidaccess, int)
AT4(int, faccessat, int, int)
PATH1(int, chdir)
PATH2(char *, realpath, char *)

int statx(int at, const char *path, int flags, unsigned int mask, struct statx *result) {
  NEXT(int, statx, int, const char *, int, unsigned int, struct statx *);
  PLACE(path);
  return next(at, placed_path, flags, mask, result);
}

ssize_t readlink(const char *path, char *target, size_t size) {
  NEXT(ssize_t, readlink, const char *, char *, size_t);
  PLACE(path);
  return next(placed_path, target, size);
}

ssize_t readlinkat(int at, const char *path, char *target, size_t size) {
  NEXT(ssize_t, readlinkat, int, const char *, char *, size_t);
  PLACE(path);
  return next(at, placed_path, target, size);
}

char *__realpath_chk(const char *path, char *target, size_t size) {
  NEXT(char *, __realpath_chk, const char *, char *, size_t);
  PLACE(path);
  return next(placed_path, target, size);
}

int scandir(const char *path, struct dirent ***list, int (*filter)(const struct dirent *), int (*compare)(const struct dirent **, const struct dirent **)) {
  NEXT(int, scandir, const char *, struct dirent ***, int (*)(const struct dirent *), int (*)(const struct dirent **, const struct dirent **));
  PLACE(path);
  return next(placed_path, list, filter, compare);
}

int execve(const char *path, char *const arguments[], char *const environment[]) {
  NEXT(int, execve, const char *, char *const[], char *const[]);
  PLACE(path);
  return next(placed_path, arguments, environment);
}

int execv(const char *path, char *const arguments[]) {
  NEXT(int, execv, const char *, char *const[]);
  PLACE(path);
  return next(placed_path, arguments);
}

int execvp(const char *path, char *const arguments[]) {
  NEXT(int, execvp, const char *, char *const[]);
  PLACE(path);
  return next(placed_path, arguments);
}

int posix_spawn(pid_t *process, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]) {
  NEXT(int, posix_spawn, pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[]);
  PLACE(path);
  return next(process, placed_path, actions, attributes, arguments, environment);
}

int posix_spawnp(pid_t *process, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]) {
  NEXT(int, posix_spawnp, pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[]);
  PLACE(path);
  return next(process, placed_path, actions, attributes, arguments, environment);
}

/* libuv makes this one itself. */
long syscall(long number, ...) {
  long words[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++) words[i] = va_arg(list, long);
  va_end(list);
  if (kernel == NULL) kernel = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  if (number == SYS_statx) {
    const char *path = (const char *)words[1];
    PLACE(path);
    return kernel(number, words[0], placed_path, words[2], words[3], words[4], words[5]);
  }
  return kernel(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

/* A library's plain name is looked up on behalf of the caller, whom the loader knows by the address it returns to: this call must be
 * the caller's last act here (a jump), so the buffer is not on the stack. */
void *dlopen(const char *path, int flags) {
  static __thread char found[PATH_MAX];
  NEXT(void *, dlopen, const char *, int);
  return next(place(path, found), flags);
}
