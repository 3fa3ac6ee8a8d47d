// The system-call filter of a build, assembled as a classic BPF program: files cannot become setuid or setgid (EPERM), and extended
// attributes, which a NAR cannot hold, do not exist (ENOTSUP). The same calls as C++ Nix 2.34.8 filters (its setupSeccomp), for the
// native architecture and the 32-bit ones its kernel also runs. Kernel documentation: seccomp_filter; struct sock_filter.

/** What differs between architectures: the audit number, and the numbers of the filtered calls. */
interface Architecture {
  readonly audit: number;
  /** Bits of the call number to look at; the x32 variant of x86_64 sets bit 30 on the same numbers. */
  readonly numberMask?: number;
  /** [call, position of its mode argument] of chmod, fchmod, fchmodat and fchmodat2, as far as they exist. */
  readonly chmod: readonly (readonly [call: number, argument: 1 | 2])[];
  /** The get and set calls for extended attributes: path, link, descriptor. */
  readonly xattr: readonly number[];
}

const X86_64: Architecture = {
  audit: 0xc000003e,
  numberMask: 0xbfffffff,
  chmod: [
    [90, 1],
    [91, 1],
    [268, 2],
    [452, 2],
  ],
  xattr: [188, 189, 190, 191, 192, 193],
};
const I386: Architecture = {
  audit: 0x40000003,
  chmod: [
    [15, 1],
    [94, 1],
    [306, 2],
    [452, 2],
  ],
  xattr: [226, 227, 228, 229, 230, 231],
};
const AARCH64: Architecture = {
  audit: 0xc00000b7,
  chmod: [
    [52, 1],
    [53, 2],
    [452, 2],
  ],
  xattr: [5, 6, 7, 8, 9, 10],
};
const ARM: Architecture = {
  audit: 0x40000028,
  chmod: [
    [15, 1],
    [94, 1],
    [333, 2],
    [452, 2],
  ],
  xattr: [226, 227, 228, 229, 230, 231],
};

/** By Node's name of the machine's architecture. */
const ARCHITECTURES: Readonly<Record<string, readonly Architecture[]>> = { x64: [X86_64, I386], arm64: [AARCH64, ARM] };

const LOAD_WORD = 0x20;
const AND = 0x54;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_ANY_BIT = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const FAIL_WITH = 0x00050000;
const EPERM = 1;
const ENOTSUP = 95;
/** Offsets in struct seccomp_data; the low half of an argument is first on the little-endian machines above. */
const NUMBER_OFFSET = 0;
const ARCHITECTURE_OFFSET = 4;
const ARGUMENTS_OFFSET = 16;
const SETUID_OR_SETGID = 0o6000;

type Step =
  { readonly code: number; readonly value: number; readonly ifTrue?: string; readonly ifFalse?: string } | { readonly label: string };

function stepsFor(architecture: Architecture, index: number): Step[] {
  const label = (name: string) => `${name} ${index}`;
  const steps: Step[] = [
    { code: LOAD_WORD, value: ARCHITECTURE_OFFSET },
    { code: JUMP_IF_EQUAL, value: architecture.audit, ifFalse: label('next') },
    { code: LOAD_WORD, value: NUMBER_OFFSET },
  ];
  if (architecture.numberMask !== undefined) steps.push({ code: AND, value: architecture.numberMask });
  for (const call of architecture.xattr) steps.push({ code: JUMP_IF_EQUAL, value: call, ifTrue: label('unsupported') });
  for (const [call, argument] of architecture.chmod) steps.push({ code: JUMP_IF_EQUAL, value: call, ifTrue: label(`mode ${argument}`) });
  steps.push({ code: RETURN, value: ALLOW });
  for (const argument of [1, 2]) {
    steps.push(
      { label: label(`mode ${argument}`) },
      { code: LOAD_WORD, value: ARGUMENTS_OFFSET + 8 * argument },
      { code: JUMP_IF_ANY_BIT, value: SETUID_OR_SETGID, ifTrue: label('forbidden') },
      { code: RETURN, value: ALLOW },
    );
  }
  steps.push(
    { label: label('forbidden') },
    { code: RETURN, value: FAIL_WITH | EPERM },
    { label: label('unsupported') },
    { code: RETURN, value: FAIL_WITH | ENOTSUP },
    { label: label('next') },
  );
  return steps;
}

/** The program's bytes (an array of struct sock_filter) for that Node architecture; undefined where floe has no numbers for it. */
export function assembleSyscallFilter(nodeArch: string): Uint8Array | undefined {
  const architectures = ARCHITECTURES[nodeArch];
  if (architectures === undefined) return undefined;
  const steps: Step[] = [...architectures.flatMap(stepsFor), { code: RETURN, value: ALLOW }];
  const places = new Map<string, number>();
  const instructions: Exclude<Step, { label: string }>[] = [];
  for (const step of steps) {
    if ('label' in step) places.set(step.label, instructions.length);
    else instructions.push(step);
  }
  const program = new Uint8Array(instructions.length * 8);
  const view = new DataView(program.buffer);
  instructions.forEach(({ code, value, ifTrue, ifFalse }, index) => {
    const distance = (label: string | undefined) => (label === undefined ? 0 : places.get(label)! - index - 1);
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, distance(ifTrue));
    view.setUint8(index * 8 + 3, distance(ifFalse));
    view.setUint32(index * 8 + 4, value, true);
  });
  return program;
}
