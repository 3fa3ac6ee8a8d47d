// A busybox that answers to `<hash>-busybox`, as that of nixpkgs does and others do not: it carries the busybox of the machine (named by
// BUSYBOX as it is compiled) and starts it under its plain name. Nix's functional scripts build with it in sandboxes that hold nothing else.

#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>
extern char **environ;
extern const char busybox_start[], busybox_end[];
__asm__(".section .rodata\n.global busybox_start\nbusybox_start:\n.incbin \"" BUSYBOX "\"\n.global busybox_end\nbusybox_end:\n.previous\n");
int main(int argc, char **argv) {
  int fd = memfd_create("busybox", 0);
  for (const char *at = busybox_start; fd >= 0 && at < busybox_end;) {
    ssize_t written = write(fd, at, busybox_end - at);
    if (written <= 0) return 127;
    at += written;
  }
  if (argc > 0) argv[0] = "busybox";
  fexecve(fd, argv, environ);
  return 127;
}
