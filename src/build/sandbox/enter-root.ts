// The last step into a sandbox that is made without bubblewrap: a small Perl program, run with the machine's own perl where there is
// one (every Debian has it). It makes the prepared folder the root (pivot_root, so that builders may create user namespaces of their
// own), brings the loopback interface up, drops privileges into a second user namespace with the build user's ids, loads the
// system-call filter, and becomes the builder with exactly the given name, arguments and environment. Without perl, linux.ts does
// what util-linux's own programs can do of this.

/** Numbers of the system calls the program makes, by Node's name of the architecture: prctl, unshare, pivot_root, umount2, setsid. */
const SYSTEM_CALLS: Readonly<Record<string, readonly number[]>> = { x64: [157, 272, 155, 166, 112], arm64: [167, 97, 41, 39, 157] };

export interface EnterRootPlan {
  /** Whether the current folder becomes the root; otherwise only privileges change. */
  readonly pivot: boolean;
  readonly loopback: boolean;
  /** File with the system-call filter. */
  readonly filter: string | undefined;
  readonly noNewPrivileges: boolean;
  /** Ids in a user namespace of the builder's own; undefined to stay in the present one. */
  readonly ids: { readonly uid: number; readonly gid: number } | undefined;
  readonly folder: string;
  readonly env: ReadonlyMap<string, string>;
  readonly program: string;
  readonly args: readonly string[];
}

/** Whether the program knows this architecture's system calls. */
export function canEnterRoot(nodeArch: string): boolean {
  return SYSTEM_CALLS[nodeArch] !== undefined;
}

/** What the program reads: words that end in a zero byte. A byte string. */
export function printEnterRootPlan(plan: EnterRootPlan, nodeArch: string): string {
  const flag = (value: boolean) => (value ? '1' : '');
  return [
    ...SYSTEM_CALLS[nodeArch]!.map(String),
    flag(plan.pivot),
    flag(plan.loopback),
    plan.filter ?? '',
    flag(plan.noNewPrivileges),
    plan.ids === undefined ? '' : String(plan.ids.uid),
    plan.ids === undefined ? '' : String(plan.ids.gid),
    plan.folder,
    String(plan.env.size),
    ...[...plan.env].flat(),
    plan.program,
    plan.program.slice(plan.program.lastIndexOf('/') + 1),
    ...plan.args,
  ]
    .map((word) => `${word}\0`)
    .join('');
}

/** The program; its argument is the file with the plan. Descriptor 3 hears "started" just before the builder takes over. */
export const ENTER_ROOT_PROGRAM = `
use strict;
sub fail { syswrite(STDERR, "error: $_[0]: $!\\n"); exit 1 }
sub contents { open(my $file, '<', $_[0]) or fail("reading '$_[0]'"); binmode $file; local $/; my $text = <$file>; close $file; $text }
sub put { open(my $file, '>', $_[0]) or fail("opening '$_[0]'"); syswrite($file, $_[1]) or fail("writing '$_[0]'"); close $file }
my @words = split(/\\0/, contents($ARGV[0]), -1);
pop @words;
my ($prctl, $unshare, $pivot_root, $umount2, $setsid, $pivot, $loopback, $filter, $locked, $uid, $gid, $folder, $count) = splice(@words, 0, 13);
my @variables = splice(@words, 0, 2 * $count);
my $program = shift @words;
my $code = $filter eq '' ? undef : contents($filter);
if ($loopback) {
  socket(my $socket, 2, 2, 0) or fail('opening a socket');
  ioctl($socket, 0x8914, my $up = pack('a16 s x22', 'lo', 0x49)) or fail('setting the loopback interface up');
  close $socket;
}
syscall($setsid + 0);
if ($pivot) {
  my $here = '.';
  syscall($pivot_root + 0, $here, $here) == 0 or fail('changing the root folder');
  syscall($umount2 + 0, $here, 2) == 0 or fail('detaching the old root folder');
  chdir '/' or fail('entering the root folder');
}
if ($locked) { syscall($prctl + 0, 38, 1, 0, 0, 0) == 0 or fail('locking privileges') }
if ($uid ne '') {
  syscall($unshare + 0, 0x10000000) == 0 or fail('creating a user namespace');
  put('/proc/self/setgroups', 'deny');
  put('/proc/self/uid_map', "$uid 0 1");
  put('/proc/self/gid_map', "$gid 0 1");
}
if (defined $code) {
  my $described = pack('S x6 P', length($code) / 8, $code);
  syscall($prctl + 0, 22, 2, $described, 0, 0) == 0 or fail('loading the system-call filter');
}
chdir $folder or fail("entering '$folder'");
if (open(my $status, '>&=', 3)) { syswrite($status, "started\\n"); close $status }
%ENV = ();
for (my $i = 0; $i < @variables; $i += 2) { $ENV{$variables[$i]} = $variables[$i + 1] }
exec { $program } @words;
fail("executing '$program'");
`;
