/*
 * Shows a program of Debian the files that it was compiled to find below /usr, where they lie in the store. Some programs take no
 * variable that would say so (zsh, ruby): unit.sh links this library into them, before the C library, so that their calls come here
 * first. Nothing reaches the programs that they start.
 *
 * ROOTS is a list of folders, each ended by a zero byte, the list by an empty one. A path below /usr is looked for in them and else
 * left alone; one below /etc is left alone where the machine has it. Calls that the C library makes inside itself do not pass here;
 * that is why fopen, realpath and the like stand beside open.
 *
 * tcc compiles this without headers: hence the declarations. Arguments that a caller may leave out (a mode) are handed on as found.
 */
typedef unsigned long size;
typedef int (*comparison)(const void *, const void *);

#define AT_FDCWD -100
#define SYS_faccessat 269
#define SYS_statx 332
#define PATH_MAX 4096
#define RTLD_NEXT ((void *)-1L)

void *dlsym(void *handle, const char *name);
int *__errno_location(void);
int snprintf(char *text, size room, const char *format, ...);
int strncmp(const char *a, const char *b, size count);
size strlen(const char *text);
char *strchr(const char *text, int sign);
char *strdup(const char *text);

static const char roots[] = ROOTS;

static long (*kernel)(long number, ...);

/* The system call itself: the functions that make it are the ones below. */
static int exists(const char *path) {
  int before = *__errno_location();
  if (kernel == 0) kernel = dlsym(RTLD_NEXT, "syscall");
  long answer = kernel(SYS_faccessat, AT_FDCWD, path, 0);
  *__errno_location() = before;
  return answer == 0;
}

static int starts(const char *path, const char *prefix) {
  size length = strlen(prefix);
  return strncmp(path, prefix, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Where to look for a path: itself, or what is written to `buffer`. */
static const char *place(const char *path, char *buffer) {
  const char *rest, *programs = 0;
  if (path == 0 || path[0] != '/') return path;
  if (starts(path, "/usr")) {
    rest = path + 4;
    if (starts(rest, "/local") || starts(rest, "/src")) return path;
    if (starts(rest, "/sbin")) programs = rest + 5;
    if (starts(rest, "/games")) programs = rest + 6;
  } else if (starts(path, "/etc")) {
    rest = path;
    if (exists(path)) return path;
  } else {
    return path;
  }
  for (const char *root = roots; *root != 0; root += strlen(root) + 1) {
    int length = programs != 0 ? snprintf(buffer, PATH_MAX, "%s/bin%s", root, programs) : snprintf(buffer, PATH_MAX, "%s%s", root, rest);
    if (length < PATH_MAX && exists(buffer)) return buffer;
  }
  return path;
}

#define PLACE(path) char buffer_##path[PATH_MAX]; const char *placed_##path = place(path, buffer_##path)
/* The next function of this one's name: the C library's. */
#define NEXT(result, name, ...) \
  static result (*next)(__VA_ARGS__); \
  if (next == 0) next = dlsym(RTLD_NEXT, #name)

#define PATH1(result, name) \
  result name(const char *path) { NEXT(result, name, const char *); PLACE(path); return next(placed_path); }
#define PATH2(result, name, type2) \
  result name(const char *path, type2 b) { NEXT(result, name, const char *, type2); PLACE(path); return next(placed_path, b); }
#define PATH3(result, name, type2, type3) \
  result name(const char *path, type2 b, type3 c) { NEXT(result, name, const char *, type2, type3); PLACE(path); return next(placed_path, b, c); }
#define AT3(result, name, type3) \
  result name(int at, const char *path, type3 c) { NEXT(result, name, int, const char *, type3); PLACE(path); return next(at, placed_path, c); }
#define AT4(result, name, type3, type4) \
  result name(int at, const char *path, type3 c, type4 d) { \
    NEXT(result, name, int, const char *, type3, type4); PLACE(path); return next(at, placed_path, c, d); }

PATH3(int, open, int, unsigned)
PATH3(int, open64, int, unsigned)
AT4(int, openat, int, unsigned)
AT4(int, openat64, int, unsigned)
PATH2(int, __open_2, int)
PATH2(int, __open64_2, int)
AT3(int, __openat_2, int)
AT3(int, __openat64_2, int)
PATH2(void *, fopen, const char *)
PATH2(void *, fopen64, const char *)
PATH1(void *, opendir)
PATH2(int, stat, void *)
PATH2(int, stat64, void *)
PATH2(int, lstat, void *)
PATH2(int, lstat64, void *)
AT3(int, __xstat, void *)
AT3(int, __xstat64, void *)
AT3(int, __lxstat, void *)
AT3(int, __lxstat64, void *)
AT4(int, fstatat, void *, int)
AT4(int, fstatat64, void *, int)
PATH2(int, access, int)
PATH2(int, eaccess, int)
PATH2(int, euidaccess, int)
AT4(int, faccessat, int, int)
PATH1(int, chdir)
PATH2(char *, realpath, char *)
PATH3(char *, __realpath_chk, char *, size)
PATH3(long, readlink, char *, size)
AT4(long, readlinkat, char *, size)
PATH3(int, execve, char *const *, char *const *)
PATH2(int, execv, char *const *)
PATH2(int, execvp, char *const *)

int statx(int at, const char *path, int flags, unsigned mask, void *result) {
  NEXT(int, statx, int, const char *, int, unsigned, void *);
  PLACE(path);
  return next(at, placed_path, flags, mask, result);
}

int scandir(const char *path, void *list, int (*filter)(const void *), comparison compare) {
  NEXT(int, scandir, const char *, void *, int (*)(const void *), comparison);
  PLACE(path);
  return next(placed_path, list, filter, compare);
}

int posix_spawn(int *process, const char *path, const void *actions, const void *attributes, char *const *arguments, char *const *environment) {
  NEXT(int, posix_spawn, int *, const char *, const void *, const void *, char *const *, char *const *);
  PLACE(path);
  return next(process, placed_path, actions, attributes, arguments, environment);
}

int posix_spawnp(int *process, const char *path, const void *actions, const void *attributes, char *const *arguments, char *const *environment) {
  NEXT(int, posix_spawnp, int *, const char *, const void *, const void *, char *const *, char *const *);
  PLACE(path);
  return next(process, placed_path, actions, attributes, arguments, environment);
}

/* libuv makes this one itself. */
long syscall(long number, long a, long b, long c, long d, long e, long f) {
  if (kernel == 0) kernel = dlsym(RTLD_NEXT, "syscall");
  if (number == SYS_statx) {
    const char *path = (const char *)b;
    PLACE(path);
    return kernel(number, a, placed_path, c, d, e, f);
  }
  return kernel(number, a, b, c, d, e, f);
}

/* A library's plain name is looked up on behalf of the caller, whom the loader knows by the address it returns to: what follows must
 * jump to the C library's function, with the stack as it was. */
const char *debpkgs_library_place(const char *path) {
  char buffer[PATH_MAX];
  const char *placed = place(path, buffer);
  return placed == buffer ? strdup(buffer) : path;
}
void *debpkgs_next_dlopen(void) {
  static void *next;
  if (next == 0) next = dlsym(RTLD_NEXT, "dlopen");
  return next;
}
asm(".text\n"
    ".globl dlopen\n"
    ".type dlopen, @function\n"
    "dlopen:\n"
    "  push %rsi\n"
    "  call debpkgs_library_place\n"
    "  push %rax\n"
    "  push %rax\n"
    "  call debpkgs_next_dlopen\n"
    "  pop %rdi\n"
    "  pop %rdi\n"
    "  pop %rsi\n"
    "  jmp *%rax\n");
