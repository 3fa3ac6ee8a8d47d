/*
 * relocate FILE FROM TO [FROM TO]...: gives an ELF file other words for paths that were compiled into it. Libraries that every program
 * loads (the C library, libtinfo, libcrypto) look for their data below /usr, and no variable says otherwise for good; redirect.c cannot
 * help there, since it is for programs. unit.sh runs this with tcc -run, without headers: hence the declarations.
 *
 * FROM is a whole string of the file, ended by a zero byte. TO may be of any length: the new words go into a segment of their own at the
 * file's end, whose program header takes the place of a superfluous note's. What refers to the old string, namely
 * instructions that compute its address (lea) and pointers that the loader relocates, then means the new one. A string that
 * code also points into, or past the end of, has its length compiled in and is left alone; "FROM TO:" (a colon at the end)
 * says that TO comes before FROM in a list, of which the code knows the length: glibc's folders of locales.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

int open(const char *path, int flags, int mode);
i64 read(int file, void *bytes, u64 count);
i64 write(int file, const void *bytes, u64 count);
i64 lseek(int file, i64 offset, int whence);
int ftruncate(int file, i64 size);
int close(int file);
void *calloc(u64 count, u64 size);
void *memcpy(void *to, const void *from, u64 count);
int memcmp(const void *a, const void *b, u64 count);
u64 strlen(const char *text);
int dprintf(int file, const char *format, ...);
void exit(int status);

#define PT_LOAD 1
#define PT_DYNAMIC 2
#define PT_NOTE 4
#define DT_RELA 7
#define DT_RELASZ 8
#define R_X86_64_RELATIVE 8

struct header { u8 ident[16]; u16 type, machine; u32 version; u64 entry, phoff, shoff; u32 flags; u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx; };
struct segment { u32 type, flags; u64 offset, vaddr, paddr, filesz, memsz, align; };
struct relocation { u64 offset, info, addend; };

static u8 *bytes;
static u64 size;
static struct header *header;
static struct segment *segments;

static void fail(const char *path, const char *why) {
  dprintf(2, "relocate: '%s': %s\n", path, why);
  exit(1);
}

static u32 word(u64 at) { u32 value; memcpy(&value, bytes + at, 4); return value; }
static u64 quad(u64 at) { u64 value; memcpy(&value, bytes + at, 8); return value; }

/* The place in the file of an address; 0 where it has none. */
static u64 placeOf(u64 address) {
  for (int i = 0; i < header->phnum; i++) {
    struct segment *s = segments + i;
    if (s->type == PT_LOAD && address >= s->vaddr && address < s->vaddr + s->filesz) return address - s->vaddr + s->offset;
  }
  return 0;
}

/* The next place from `at` on where the whole string stands; 0 at the end. */
static u64 findString(u64 at, const char *text) {
  u64 length = strlen(text) + 1;
  for (; at + length <= size; at++)
    if (bytes[at] == (u8)text[0] && bytes[at - 1] == 0 && memcmp(bytes + at, text, length) == 0) return at;
  return 0;
}

/* Calls `seen` for each instruction `lea register, [rip + distance]`: its place, and the address it computes. */
static void eachLea(void (*seen)(u64 at, u64 target)) {
  for (int i = 0; i < header->phnum; i++) {
    struct segment *s = segments + i;
    if (s->type != PT_LOAD || (s->flags & 1) == 0) continue;
    for (u64 at = s->offset; at + 7 <= s->offset + s->filesz; at++)
      if ((bytes[at] == 0x48 || bytes[at] == 0x4c) && bytes[at + 1] == 0x8d && (bytes[at + 2] & 0xc7) == 5)
        seen(at, at - s->offset + s->vaddr + 7 + (i64)(int)word(at + 3));
  }
}

static u64 oldFirst, oldLast, target;
static int inside, isList, changes;
static u64 newLength;

static void noteInside(u64 at, u64 address) { if (address > oldFirst && address <= oldLast) inside = 1; }

static void change(u64 at, u64 address) {
  if (address != oldFirst) return;
  u32 distance = word(at + 3) + (u32)(target - oldFirst);
  memcpy(bytes + at + 3, &distance, 4);
  changes++;
  if (!isList) return;
  /* movq $length, -x(%rbp) shortly before */
  u32 length = oldLast - oldFirst + 1;
  for (u64 near = at - 16; near < at; near++)
    if (bytes[near] == 0x48 && bytes[near + 1] == 0xc7 && word(near + 4) == length) { u32 other = newLength; memcpy(bytes + near + 4, &other, 4); }
}

/* Pointers in data: the addends of relative relocations, and words that a packed relocation adds to. */
static void changePointers(void) {
  u64 rela = 0, relaSize = 0;
  for (int i = 0; i < header->phnum; i++) {
    struct segment *s = segments + i;
    if (s->type == PT_DYNAMIC)
      for (u64 at = s->offset; at + 16 <= s->offset + s->filesz && quad(at) != 0; at += 16) {
        if (quad(at) == DT_RELA) rela = placeOf(quad(at + 8));
        if (quad(at) == DT_RELASZ) relaSize = quad(at + 8);
      }
  }
  for (u64 at = rela; rela != 0 && at + 24 <= rela + relaSize; at += 24) {
    struct relocation *r = (struct relocation *)(bytes + at);
    if (r->info == R_X86_64_RELATIVE && r->addend == oldFirst) { r->addend = target; changes++; }
  }
  for (int i = 0; i < header->phnum; i++) {
    struct segment *s = segments + i;
    if (s->type == PT_LOAD && (s->flags & 2) != 0)
      for (u64 at = (s->offset + 7) & -8L; at + 8 <= s->offset + s->filesz; at += 8)
        if (quad(at) == oldFirst) { memcpy(bytes + at, &target, 8); changes++; }
  }
}

int main(int count, char **words) {
  const char *path = words[1];
  int file = open(path, 2, 0);
  if (file < 0) fail(path, "cannot be opened");
  size = lseek(file, 0, 2);
  lseek(file, 0, 0);
  u64 room = 4096 * 16;
  bytes = calloc(1, size + room);
  for (u64 have = 0; have < size;) {
    i64 got = read(file, bytes + have, size - have);
    if (got <= 0) fail(path, "cannot be read");
    have += got;
  }
  header = (struct header *)bytes;
  if (size < 64 || memcmp(bytes, "\177ELF\2\1", 6) != 0) fail(path, "is no 64-bit ELF file");
  segments = (struct segment *)(bytes + header->phoff);

  u64 highest = 0;
  struct segment *spare = 0;
  for (int i = 0; i < header->phnum; i++) {
    struct segment *s = segments + i;
    if (s->type == PT_LOAD && s->vaddr + s->memsz > highest) highest = s->vaddr + s->memsz;
    /* the loader wants segments in the order of their addresses, so the new one must stand behind the others */
    if (s->type == PT_LOAD) spare = 0;
    if (s->type == PT_NOTE && spare == 0) spare = s;
  }
  if (spare == 0) fail(path, "has no program header to spare");
  u64 offset = (size + 4095) & -4096L, address = (highest + 4095) & -4096L, used = 0;

  for (int i = 2; i + 1 < count; i += 2) {
    const char *from = words[i], *to = words[i + 1];
    u64 length = strlen(to), oldLength = strlen(from);
    isList = to[length - 1] == ':';
    if (isList) length--;
    int before = changes;
    for (u64 at = findString(1, from); at != 0; at = findString(at + 1, from)) {
      struct segment *s = 0;
      for (int k = 0; k < header->phnum; k++)
        if (segments[k].type == PT_LOAD && at >= segments[k].offset && at < segments[k].offset + segments[k].filesz) s = segments + k;
      if (s == 0) continue;
      oldFirst = at - s->offset + s->vaddr;
      oldLast = oldFirst + oldLength;
      inside = 0;
      eachLea(noteInside);
      if (inside) continue;
      if (used + length + oldLength + 2 > room - 4096) fail(path, "has too many paths");
      u8 *fresh = bytes + offset + used;
      memcpy(fresh, to, length);
      target = address + used;
      newLength = length + 1;
      if (isList) { memcpy(fresh + length + 1, from, oldLength); newLength += oldLength + 1; }
      used += newLength;
      eachLea(change);
      changePointers();
    }
    if (changes == before) dprintf(1, "relocate: '%s' does not refer to '%s' in a way that can be changed\n", path, from);
  }
  if (changes == 0) exit(0);
  struct segment made = { PT_LOAD, 4, offset, address, address, used, used, 4096 };
  memcpy(spare, &made, sizeof made);
  size = offset + used;
  lseek(file, 0, 0);
  for (u64 done = 0; done < size;) {
    i64 wrote = write(file, bytes + done, size - done);
    if (wrote <= 0) fail(path, "cannot be written");
    done += wrote;
  }
  close(file);
  return 0;
}
