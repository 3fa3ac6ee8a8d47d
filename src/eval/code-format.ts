// The compiled form of a source: what compile.ts writes, decode.ts reads, and code packs keep on disk. It depends on the text, the names of
// the base environment and nothing else: paths and symbols are resolved when it is read.
//
// A unit is a byte string: FORMAT_VERSION, the source's length, the number of strings, how many of them are names (which come first, in the
// order in which C++ Nix comes to know them), their lengths, their bytes, then the expression. Numbers are unsigned LEB128. An expression is an opcode and its operands, sub-expressions in place; positions are offsets into the source plus one (0 is
// nowhere). An operand may be wrapped in Lazy with its length, so that it can be skipped until it is run.
//
// PERF: there are fewer frames than ast.ts describes, and so other depths and slots. The parameters of `x: y: body` share one frame,
// and what follows unconditionally in a body (a let, a with, and the body of those) adds its slots to the frame it is in. A frame's size
// stands where it is made.

/** Changes with every change of the format. */
export const FORMAT_VERSION = 3;

/** Sub-expressions at least this long are decoded when they first run. */
export const LAZY_THRESHOLD = 12;

/** Around the form and text of a path literal in the text of an expression. */
export const PATH_MARK = '\0';

/** First byte of an expression. */
export const Op = {
  /** length (4 bytes, little endian), expression */
  Lazy: 0,
  /** value */
  Int: 1,
  /** value: the integer is -value - 1 */
  NegativeInt: 2,
  /** string: decimal digits */
  BigInt: 3,
  /** 8 bytes, little endian */
  Float: 4,
  /** string */
  String: 5,
  /** form, string */
  Path: 6,
  /** slot, position */
  Variable0: 7,
  Variable1: 8,
  Variable2: 9,
  /** depth, slot, position */
  Variable: 10,
  /** name, position */
  Global: 11,
  /** name, position, count, (hops, slot, position of the with)... */
  WithVariable: 12,
  /** subject, name, position */
  Select: 13,
  /** subject, path, position */
  SelectPath: 14,
  /** subject, path, position, fallback */
  SelectOr: 15,
  /** subject, path, position */
  HasAttr: 16,
  /** position, names and values: count, (name, position, value)... */
  Attrs: 17,
  /** position, sources: count, expression...; then count, (name, position, isFrom, value)... */
  AttrsFrom: 18,
  /** position, bindings */
  RecursiveAttrs: 19,
  /** set, count, (name expression, value, position)... */
  DynamicAttrs: 20,
  /** count, items */
  List: 21,
  /**
   * size of the frame, count of stages (`x: y: ...` has two), (position, name + 1, name, has parameter, [parameter])..., then of the
   * last stage: flags (1: formals, 2: ellipsis), [count, (name, position, has default, default)...]; body
   */
  Lambda: 22,
  /** position, callee, argument */
  Call1: 23,
  Call2: 24,
  /** position, count, callee, arguments */
  Call: 25,
  /** size of the frame, bindings, body */
  Let: 26,
  /** size of the frame, set, body */
  With: 27,
  /** position, condition, consequent, alternative */
  If: 28,
  /** position, text, condition, body */
  Assert: 29,
  /** position, operand */
  Not: 30,
  /** position, left, right */
  And: 31,
  Or: 32,
  Implies: 33,
  Equal: 34,
  NotEqual: 35,
  /** left position, right position, left, right */
  Update: 36,
  /** position, left, right */
  ConcatLists: 37,
  /** count, (position, part)... */
  Interpolation: 38,
  /** position, count, (position, part)... */
  Plus: 39,
  /** name of the builtin (sub, mul, div), position, left, right */
  Arithmetic: 40,
  /** position, left, right */
  LessThan: 41,
  /** position */
  CurrentPosition: 42,
  /** nothing */
  EmptyAttrs: 43,
  /** first slot, bindings, body: a let whose slots lie in the frame at hand */
  LetHere: 44,
  /** slot, set, body: a with likewise */
  WithHere: 45,
} as const;
