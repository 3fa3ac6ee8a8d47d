// POSIX extended regular expressions over byte strings, as `builtins.match` and `builtins.split` have them: C++ Nix hands them to
// libstdc++'s std::regex with the `extended` grammar, so that library's choices are the specification here (what it refuses, which
// way it goes when several are open, what a group holds after a loop), not POSIX's leftmost-longest rule alone.
//
// Two ways to run one: translated to JavaScript's RegExp where both agree (nearly every expression in use), else by a backtracking
// matcher that walks the same states in the same order as libstdc++'s depth-first executor. The differences that decide:
//  - in `a|b`, a search tries both sides and keeps the longer match (the first of equals); RegExp takes the first that matches;
//  - groups keep what an earlier round of a loop gave them; RegExp clears them at the start of each round;
//  - a round that matches nothing is allowed, and sets its groups; RegExp drops it.
// Long because parser, translation and matcher share the tree and must be read together.

import { EvalError } from '../base/errors.ts';

/** 256 bits, one a byte value. */
type ByteSet = Uint8Array;

type Node =
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'begin' }
  | { readonly kind: 'end' }
  | { readonly kind: 'group'; readonly index: number; readonly body: Node }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'alternatives'; readonly first: Node; readonly second: Node }
  /** `loopsBack`: of `x+`, whose one round is itself the loop; `x{1,}` is a round and then `x*`. */
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number; readonly loopsBack: boolean };

/** libstdc++ refuses expressions that need more states than this. */
const STATE_LIMIT = 100_000;

/** What the groups of a match hold, in order; null where a group took no part. */
export type EreGroups = readonly (string | null)[];

/** A piece of a split: text between matches, or the groups of a match. */
export type ErePiece = string | EreGroups;

// --- Characters -------------------------------------------------------------------------------------------------------------------

const emptySet = (): ByteSet => new Uint8Array(256);

function setOf(test: (byte: number) => boolean): ByteSet {
  const set = emptySet();
  for (let byte = 0; byte < 256; byte++) if (test(byte)) set[byte] = 1;
  return set;
}

const between = (low: number, high: number) => (byte: number) => byte >= low && byte <= high;
const isDigit = between(0x30, 0x39);
const isLower = between(0x61, 0x7a);
const isUpper = between(0x41, 0x5a);
const isAlnum = (byte: number) => isDigit(byte) || isLower(byte) || isUpper(byte);
const isGraph = between(0x21, 0x7e);
const isSpace = (byte: number) => byte === 0x20 || between(0x09, 0x0d)(byte);

/** Names in `[[:name:]]`, in any case of letters; `d`, `s` and `w` are libstdc++'s own. */
const CLASSES: Readonly<Record<string, (byte: number) => boolean>> = {
  d: isDigit,
  w: (byte) => isAlnum(byte) || byte === 0x5f,
  s: isSpace,
  alnum: isAlnum,
  alpha: (byte) => isLower(byte) || isUpper(byte),
  blank: (byte) => byte === 0x20 || byte === 0x09,
  cntrl: (byte) => byte < 0x20 || byte === 0x7f,
  digit: isDigit,
  graph: isGraph,
  lower: isLower,
  print: between(0x20, 0x7e),
  punct: (byte) => isGraph(byte) && !isAlnum(byte),
  space: isSpace,
  upper: isUpper,
  xdigit: (byte) => isDigit(byte) || between(0x41, 0x46)(byte) || between(0x61, 0x66)(byte),
};

/** POSIX's names for the characters of ASCII, in order from 0 (letters and the like name themselves). */
const COLLATING_NAMES = (
  'NUL SOH STX ETX EOT ENQ ACK alert backspace tab newline vertical-tab form-feed carriage-return SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ' +
  'ETB CAN EM SUB ESC IS4 IS3 IS2 IS1 space exclamation-mark quotation-mark number-sign dollar-sign percent-sign ampersand ' +
  'apostrophe left-parenthesis right-parenthesis asterisk plus-sign comma hyphen period slash zero one two three four five six ' +
  'seven eight nine colon semicolon less-than-sign equals-sign greater-than-sign question-mark commercial-at ' +
  'A B C D E F G H I J K L M N O P Q R S T U V W X Y Z left-square-bracket backslash right-square-bracket circumflex underscore ' +
  'grave-accent a b c d e f g h i j k l m n o p q r s t u v w x y z left-curly-bracket vertical-line right-curly-bracket tilde DEL'
).split(' ');

/** `char` is signed where C++ Nix's binaries run, so bytes from 128 come before the others in ranges. */
const signed = (byte: number) => (byte << 24) >> 24;

const ANY_BUT_NUL = setOf((byte) => byte !== 0);

// --- Parser -----------------------------------------------------------------------------------------------------------------------

/** Thrown inside this file only; `parseEre` turns it into the error users see. */
class Refused extends Error {
  readonly tooLarge: boolean;
  constructor(tooLarge: boolean) {
    super();
    this.tooLarge = tooLarge;
  }
}

/** A node and the number of libstdc++ states that cloning it takes (loops are unrolled by cloning). */
interface Sized {
  readonly node: Node;
  readonly states: number;
}

const SPECIAL = '.[\\()*+?{|^$';

class Parser {
  readonly text: string;
  at = 0;
  groups = 0;
  /** States that libstdc++ would have made so far. */
  states = 0;
  constructor(text: string) {
    this.text = text;
  }

  refuse(): never {
    throw new Refused(false);
  }

  make(count: number): void {
    this.states += count;
    if (this.states > STATE_LIMIT) throw new Refused(true);
  }

  parse(): Node {
    this.make(1);
    const { node } = this.disjunction();
    if (this.at < this.text.length) this.refuse();
    this.make(2);
    return node;
  }

  disjunction(): Sized {
    let result = this.sequence();
    while (this.text[this.at] === '|') {
      this.at++;
      const second = this.sequence();
      this.make(2);
      result = { node: { kind: 'alternatives', first: result.node, second: second.node }, states: result.states + second.states + 2 };
    }
    return result;
  }

  sequence(): Sized {
    const items: Node[] = [];
    let states = 1;
    for (let term = this.term(); term !== undefined; term = this.term()) {
      items.push(term.node);
      states += term.states;
    }
    this.make(1);
    return { node: items.length === 1 ? items[0]! : { kind: 'sequence', items }, states };
  }

  term(): Sized | undefined {
    const { text } = this;
    if (this.at >= text.length) return undefined;
    const character = text[this.at]!;
    if (character === '^' || character === '$') {
      this.at++;
      this.make(1);
      return { node: { kind: character === '^' ? 'begin' : 'end' }, states: 1 };
    }
    let atom = this.atom(character);
    if (atom === undefined) return undefined;
    for (;;) {
      const quantified = this.quantifier(atom);
      if (quantified === undefined) return atom;
      atom = quantified;
    }
  }

  atom(character: string): Sized | undefined {
    const { text } = this;
    switch (character) {
      case '|':
      case ')':
      case '*':
      case '+':
      case '?':
      case '{':
        return undefined;
      case '(': {
        this.at++;
        this.make(1);
        const index = this.groups++;
        const { node, states } = this.disjunction();
        if (text[this.at] !== ')') this.refuse();
        this.at++;
        this.make(1);
        return { node: { kind: 'group', index, body: node }, states: states + 2 };
      }
      case '[':
        return this.single(this.bracket());
      case '.':
        this.at++;
        return this.single(ANY_BUT_NUL);
      case '\\': {
        // Escaping an ordinary character is undefined in POSIX; the library, compiled strictly, refuses it. There are no back references.
        const escaped = text[this.at + 1];
        if (escaped === undefined || !SPECIAL.includes(escaped)) this.refuse();
        this.at += 2;
        return this.single(singleton(escaped.charCodeAt(0)));
      }
      case '\0':
        return this.refuse();
      default:
        this.at++;
        return this.single(singleton(character.charCodeAt(0)));
    }
  }

  single(set: ByteSet): Sized {
    this.make(1);
    return { node: { kind: 'set', set }, states: 1 };
  }

  quantifier(atom: Sized): Sized | undefined {
    const { node, states } = atom;
    switch (this.text[this.at]) {
      case '*':
        this.at++;
        this.make(1);
        return { node: { kind: 'repeat', body: node, min: 0, max: Infinity, loopsBack: false }, states: states + 1 };
      case '+':
        this.at++;
        this.make(1);
        return { node: { kind: 'repeat', body: node, min: 1, max: Infinity, loopsBack: true }, states: states + 1 };
      case '?':
        this.at++;
        this.make(2);
        return { node: { kind: 'repeat', body: node, min: 0, max: 1, loopsBack: false }, states: states + 2 };
      case '{':
        this.at++;
        return this.interval(atom);
      default:
        return undefined;
    }
  }

  interval({ node, states }: Sized): Sized {
    const min = this.count();
    if (min === undefined) this.refuse();
    this.make(1);
    let max = min;
    if (this.text[this.at] === ',') {
      this.at++;
      max = this.count() ?? Infinity;
    }
    if (this.text[this.at] !== '}') this.refuse();
    this.at++;
    let added = min * states;
    this.make(added);
    if (max === Infinity) {
      added += states + 1;
      this.make(states + 1);
    } else {
      if (max < min) this.refuse();
      const optional = (max - min) * (states + 1) + 1;
      added += optional;
      this.make(optional);
    }
    return { node: { kind: 'repeat', body: node, min, max, loopsBack: false }, states: added + 1 };
  }

  /** Digits inside braces; a number beyond 32 bits is refused. */
  count(): number | undefined {
    const { text } = this;
    const start = this.at;
    while (this.at < text.length && isDigit(text.charCodeAt(this.at))) this.at++;
    if (this.at === start) return undefined;
    const value = Number(text.slice(start, this.at));
    return value > 0x7fffffff ? this.refuse() : value;
  }

  bracket(): ByteSet {
    const { text } = this;
    this.at++;
    const negated = text[this.at] === '^';
    if (negated) this.at++;
    const set = emptySet();
    // What stands before a possible dash: a byte, a class (-1), or nothing a range could start with (-2).
    let last = -2;
    let isFirst = true;
    const flush = () => {
      if (last >= 0) set[last] = 1;
    };
    for (; ; isFirst = false) {
      const token = this.bracketToken(isFirst);
      if (token.kind === 'end') break;
      if (token.kind === 'class') {
        flush();
        last = -1;
        for (let byte = 0; byte < 256; byte++) if (token.set[byte] === 1) set[byte] = 1;
      } else if (token.kind === 'byte') {
        flush();
        last = token.byte;
      } else if (isFirst) {
        last = 0x2d;
      } else {
        const next = this.bracketToken(false);
        if (next.kind === 'end') {
          flush();
          last = 0x2d;
          break;
        }
        // A collating symbol cannot end a range here, though POSIX has it.
        const high = next.kind === 'dash' ? 0x2d : next.kind === 'byte' && !next.isCollating ? next.byte : undefined;
        if (last < 0 || high === undefined || signed(last) > signed(high)) this.refuse();
        for (let byte = 0; byte < 256; byte++) if (signed(byte) >= signed(last) && signed(byte) <= signed(high)) set[byte] = 1;
        last = -2;
      }
    }
    flush();
    if (negated) for (let byte = 0; byte < 256; byte++) set[byte] = 1 - set[byte]!;
    return set;
  }

  bracketToken(
    isFirst: boolean,
  ): { kind: 'end' } | { kind: 'dash' } | { kind: 'byte'; byte: number; isCollating: boolean } | { kind: 'class'; set: ByteSet } {
    const { text } = this;
    if (this.at >= text.length) this.refuse();
    const character = text[this.at++]!;
    if (character === '-') return { kind: 'dash' };
    if (character === ']' && !isFirst) return { kind: 'end' };
    if (character !== '[') return { kind: 'byte', byte: character.charCodeAt(0), isCollating: false };
    if (this.at >= text.length) this.refuse();
    const opener = text[this.at]!;
    if (opener !== '.' && opener !== ':' && opener !== '=') return { kind: 'byte', byte: 0x5b, isCollating: false };
    const close = text.indexOf(opener, this.at + 1);
    if (close < 0 || text[close + 1] !== ']') this.refuse();
    const name = text.slice(this.at + 1, close);
    this.at = close + 2;
    if (opener === ':') {
      const test = Object.hasOwn(CLASSES, name.toLowerCase()) ? CLASSES[name.toLowerCase()]! : this.refuse();
      return { kind: 'class', set: setOf(test) };
    }
    const byte = COLLATING_NAMES.indexOf(name);
    if (byte < 0) this.refuse();
    if (opener === '.') return { kind: 'byte', byte, isCollating: true };
    // Equivalence in the C locale as libstdc++ has it: letters whatever their case.
    const fold = (value: number) => (isUpper(value) ? value + 0x20 : value);
    return { kind: 'class', set: setOf((other) => fold(other) === fold(byte)) };
  }
}

function singleton(byte: number): ByteSet {
  const set = emptySet();
  set[byte] = 1;
  return set;
}

// --- Questions about a tree -------------------------------------------------------------------------------------------------------

function isNullable(node: Node): boolean {
  switch (node.kind) {
    case 'set':
      return false;
    case 'begin':
    case 'end':
      return true;
    case 'group':
      return isNullable(node.body);
    case 'sequence':
      return node.items.every(isNullable);
    case 'alternatives':
      return isNullable(node.first) || isNullable(node.second);
    case 'repeat':
      return node.min === 0 || isNullable(node.body);
  }
}

function hasGroups(node: Node): boolean {
  switch (node.kind) {
    case 'group':
      return true;
    case 'sequence':
      return node.items.some(hasGroups);
    case 'alternatives':
      return hasGroups(node.first) || hasGroups(node.second);
    case 'repeat':
      return hasGroups(node.body);
    default:
      return false;
  }
}

function hasAlternatives(node: Node): boolean {
  switch (node.kind) {
    case 'group':
    case 'repeat':
      return hasAlternatives(node.body);
    case 'sequence':
      return node.items.some(hasAlternatives);
    default:
      return node.kind === 'alternatives';
  }
}

/** Whether every group inside takes part in every match of the node. */
function groupsAlwaysMatch(node: Node): boolean {
  switch (node.kind) {
    case 'group':
      return groupsAlwaysMatch(node.body);
    case 'sequence':
      return node.items.every(groupsAlwaysMatch);
    case 'alternatives':
      return !hasGroups(node.first) && !hasGroups(node.second);
    case 'repeat':
      return node.min > 0 ? groupsAlwaysMatch(node.body) : !hasGroups(node.body);
    default:
      return true;
  }
}

/** Whether RegExp's loops give this tree's groups the same contents. */
function loopsAgree(node: Node): boolean {
  switch (node.kind) {
    case 'group':
      return loopsAgree(node.body);
    case 'sequence':
      return node.items.every(loopsAgree);
    case 'alternatives':
      return loopsAgree(node.first) && loopsAgree(node.second);
    case 'repeat':
      if (!hasGroups(node.body)) return true;
      return !isNullable(node.body) && loopsAgree(node.body) && (node.max <= 1 || groupsAlwaysMatch(node.body));
    default:
      return true;
  }
}

/** Adds the bytes a match of the node can start with; a nullable node adds what of its own it can. */
function addFirstBytes(node: Node, into: ByteSet): void {
  switch (node.kind) {
    case 'set':
      for (let byte = 0; byte < 256; byte++) if (node.set[byte] === 1) into[byte] = 1;
      return;
    case 'group':
    case 'repeat':
      addFirstBytes(node.body, into);
      return;
    case 'alternatives':
      addFirstBytes(node.first, into);
      addFirstBytes(node.second, into);
      return;
    case 'sequence':
      for (const item of node.items) {
        addFirstBytes(item, into);
        if (!isNullable(item)) return;
      }
  }
}

/** Whether at most one side of each `|` can match at any place, so that the first match is the only one. */
function alternativesAreApart(node: Node): boolean {
  switch (node.kind) {
    case 'group':
    case 'repeat':
      return alternativesAreApart(node.body);
    case 'sequence':
      return node.items.every(alternativesAreApart);
    case 'alternatives': {
      if (isNullable(node.first) || isNullable(node.second)) return false;
      if (!alternativesAreApart(node.first) || !alternativesAreApart(node.second)) return false;
      const first = emptySet();
      const second = emptySet();
      addFirstBytes(node.first, first);
      addFirstBytes(node.second, second);
      return first.every((bit, byte) => bit === 0 || second[byte] === 0);
    }
    default:
      return true;
  }
}

// --- Translation to RegExp --------------------------------------------------------------------------------------------------------

const printByte = (byte: number) =>
  isAlnum(byte) || byte === 0x5f || byte === 0x20 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;

function printSet(set: ByteSet): string {
  let count = 0;
  for (let byte = 0; byte < 256; byte++) count += set[byte]!;
  if (count === 256) return '[^]';
  if (count === 1) return printByte(set.indexOf(1));
  const wanted = count > 128 ? 0 : 1;
  let text = wanted === 1 ? '[' : '[^';
  for (let byte = 0; byte < 256; byte++) {
    if (set[byte] !== wanted) continue;
    let end = byte;
    while (end + 1 < 256 && set[end + 1] === wanted) end++;
    text += end - byte < 2 ? printByte(byte) : `${printByte(byte)}-${printByte(end)}`;
    if (end - byte === 1) text += printByte(end);
    byte = end;
  }
  return `${text}]`;
}

function printNode(node: Node): string {
  switch (node.kind) {
    case 'set':
      return printSet(node.set);
    case 'begin':
      return '^';
    case 'end':
      return '$';
    case 'group':
      return `(${printNode(node.body)})`;
    case 'sequence':
      return node.items.map((item) => (item.kind === 'alternatives' ? `(?:${printNode(item)})` : printNode(item))).join('');
    case 'alternatives':
      return `${printNode(node.first)}|${printNode(node.second)}`;
    case 'repeat': {
      const { body, min, max } = node;
      const inner = body.kind === 'set' || body.kind === 'group' ? printNode(body) : `(?:${printNode(body)})`;
      const bounds = max === Infinity ? `{${min},}` : `{${min},${max}}`;
      return inner + (min === 0 && max === Infinity ? '*' : min === 1 && max === Infinity ? '+' : min === 0 && max === 1 ? '?' : bounds);
    }
  }
}

// --- Matcher ----------------------------------------------------------------------------------------------------------------------

const OP_SET = 0;
const OP_BEGIN = 1;
const OP_END = 2;
const OP_OPEN = 3;
const OP_CLOSE = 4;
const OP_REPEAT = 5;
const OP_EITHER = 6;
const OP_ACCEPT = 7;

/** libstdc++'s automaton, the states that do nothing left out. */
class Automaton {
  readonly op: number[] = [];
  readonly next: number[] = [];
  /** Of OP_REPEAT the way into another round, of OP_EITHER the left side, of OP_OPEN and OP_CLOSE the group. */
  readonly alt: number[] = [];
  readonly sets: (ByteSet | null)[] = [];

  add(op: number, next: number, alt: number, set: ByteSet | null = null): number {
    this.op.push(op);
    this.next.push(next);
    this.alt.push(alt);
    this.sets.push(set);
    return this.op.length - 1;
  }

  /** States for the node that go on to state `next`; returns the first of them. */
  emit(node: Node, next: number): number {
    switch (node.kind) {
      case 'set':
        return this.add(OP_SET, next, 0, node.set);
      case 'begin':
        return this.add(OP_BEGIN, next, 0);
      case 'end':
        return this.add(OP_END, next, 0);
      case 'group':
        return this.add(OP_OPEN, this.emit(node.body, this.add(OP_CLOSE, next, node.index)), node.index);
      case 'sequence':
        return node.items.reduceRight((following, item) => this.emit(item, following), next);
      case 'alternatives':
        return this.add(OP_EITHER, this.emit(node.second, next), this.emit(node.first, next));
      case 'repeat':
        return this.emitRepeat(node, next);
    }
  }

  emitRepeat({ body, min, max, loopsBack }: Node & { kind: 'repeat' }, next: number): number {
    let start = next;
    if (max === Infinity) {
      start = this.add(OP_REPEAT, next, 0);
      const round = this.emit(body, start);
      this.alt[start] = round;
      if (loopsBack) return round;
    } else {
      for (let i = min; i < max; i++) start = this.add(OP_REPEAT, next, this.emit(body, start));
    }
    for (let i = 0; i < min; i++) start = this.emit(body, start);
    return start;
  }
}

// Entries on the matcher's stack, each followed below by its operands.
const DO_TRY = 0;
const DO_LEAVE = 1;
const DO_SECOND = 2;
const UNDO_SOLVED = 3;
const UNDO_OPEN = 4;
const UNDO_CLOSE = 5;
const UNDO_ROUND = 6;

/** More entries than this mean a runaway match; C++ Nix's own stack ends far earlier. */
const STACK_LIMIT = 1 << 27;

/** Walks an automaton over one text, in libstdc++'s order. */
class Matcher {
  readonly automaton: Automaton;
  readonly start: number;
  readonly groupCount: number;
  readonly isExclusive: boolean;
  /** Begin and end of each group, -1 where it has none. `begins` may be set while a group is open. */
  begins: Int32Array;
  ends: Int32Array;
  roundAt: Int32Array;
  rounds: Uint8Array;
  /** Of the best solution. */
  solutionEnd = -1;
  solutionBegins: Int32Array;
  solutionEnds: Int32Array;

  constructor(node: Node, groupCount: number) {
    this.automaton = new Automaton();
    this.start = this.automaton.emit(node, this.automaton.add(OP_ACCEPT, 0, 0));
    this.groupCount = groupCount;
    this.isExclusive = !hasAlternatives(node);
    this.begins = new Int32Array(groupCount).fill(-1);
    this.ends = new Int32Array(groupCount).fill(-1);
    this.solutionBegins = this.begins.slice();
    this.solutionEnds = this.ends.slice();
    this.roundAt = new Int32Array(this.automaton.op.length);
    this.rounds = new Uint8Array(this.automaton.op.length);
  }

  /**
   * Looks for a match from exactly `from`. With `whole` it must reach the text's end; with `notEmpty` it must not be empty. Afterwards
   * `solutionEnd` is the match's end (-1 where there is none) and the solution arrays hold the groups.
   */
  run(text: string, from: number, whole: boolean, notEmpty: boolean): boolean {
    const { op, next, alt, sets } = this.automaton;
    const { begins, ends, roundAt, rounds } = this;
    begins.fill(-1);
    ends.fill(-1);
    rounds.fill(0);
    this.solutionEnd = -1;
    const { length } = text;
    const stack: number[] = [from, this.start, DO_TRY];
    let solved = false;
    while (stack.length > 0) {
      switch (stack.pop()!) {
        case UNDO_SOLVED:
          if (stack.pop() === 1) solved = true;
          continue;
        case UNDO_OPEN: {
          const group = stack.pop()!;
          begins[group] = stack.pop()!;
          continue;
        }
        case UNDO_CLOSE: {
          const group = stack.pop()!;
          ends[group] = stack.pop()!;
          continue;
        }
        case UNDO_ROUND: {
          const state = stack.pop()!;
          rounds[state] = stack.pop()!;
          roundAt[state] = stack.pop()!;
          continue;
        }
        case DO_SECOND: {
          // The left side is done: the right side starts as if nothing had been found, and either's success counts.
          const state = stack.pop()!;
          const at = stack.pop()!;
          stack.push(solved ? 1 : 0, UNDO_SOLVED, at, next[state]!, DO_TRY);
          solved = false;
          continue;
        }
        case DO_LEAVE: {
          const state = stack.pop()!;
          const at = stack.pop()!;
          if (!solved) stack.push(at, next[state]!, DO_TRY);
          continue;
        }
      }
      let state = stack.pop()!;
      let at = stack.pop()!;
      if (stack.length > STACK_LIMIT) throw new EvalError('stack overflow while matching a regular expression');
      walk: for (;;) {
        switch (op[state]!) {
          case OP_SET:
            if (at >= length || sets[state]![text.charCodeAt(at)] === 0) break walk;
            at++;
            state = next[state]!;
            continue;
          case OP_BEGIN:
            if (at !== 0) break walk;
            state = next[state]!;
            continue;
          case OP_END:
            if (at !== length) break walk;
            state = next[state]!;
            continue;
          case OP_OPEN: {
            const group = alt[state]!;
            stack.push(begins[group]!, group, UNDO_OPEN);
            begins[group] = at;
            state = next[state]!;
            continue;
          }
          case OP_CLOSE: {
            const group = alt[state]!;
            stack.push(ends[group]!, group, UNDO_CLOSE);
            ends[group] = at;
            state = next[state]!;
            continue;
          }
          case OP_EITHER:
            stack.push(at, state, DO_SECOND);
            state = alt[state]!;
            continue;
          case OP_REPEAT: {
            stack.push(at, state, DO_LEAVE);
            // A round may start twice at the same place, no more.
            const isFresh = rounds[state] === 0 || roundAt[state] !== at;
            if (!isFresh && rounds[state]! >= 2) break walk;
            stack.push(roundAt[state]!, rounds[state]!, state, UNDO_ROUND);
            rounds[state] = isFresh ? 1 : rounds[state]! + 1;
            roundAt[state] = at;
            state = alt[state]!;
            continue;
          }
          default:
            solved = whole ? at === length : !(notEmpty && at === from);
            if (solved && at > this.solutionEnd) {
              this.solutionEnd = at;
              this.solutionBegins.set(begins);
              this.solutionEnds.set(ends);
              // Nothing can beat it: of equal ends the first stays.
              if (whole || this.isExclusive) return true;
            }
            break walk;
        }
      }
    }
    return this.solutionEnd >= 0;
  }

  groups(text: string): EreGroups {
    const result: (string | null)[] = [];
    for (let group = 0; group < this.groupCount; group++) {
      const end = this.solutionEnds[group]!;
      result.push(end < 0 ? null : text.slice(this.solutionBegins[group], end));
    }
    return result;
  }
}

// --- The face ---------------------------------------------------------------------------------------------------------------------

const groupsOf = (match: RegExpExecArray): EreGroups => {
  const result: (string | null)[] = new Array(match.length - 1);
  for (let i = 1; i < match.length; i++) result[i - 1] = match[i] ?? null;
  return result;
};

/** RegExp gives up with a RangeError where its own stack is full. */
function execOrOverflow(expression: RegExp, text: string): RegExpExecArray | null | undefined {
  try {
    return expression.exec(text);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A regular expression, ready to run. */
export class Ere {
  readonly node: Node;
  readonly groupCount: number;
  /** Null where RegExp would answer otherwise. */
  readonly wholeExpression: RegExp | null;
  readonly searchExpression: RegExp | null;
  readonly firstBytes: ByteSet | null;
  #matcher: Matcher | null = null;

  constructor(node: Node, groupCount: number) {
    this.node = node;
    this.groupCount = groupCount;
    const agrees = loopsAgree(node);
    const nullable = isNullable(node);
    this.wholeExpression = agrees ? new RegExp(`^(?:${printNode(node)})$`) : null;
    this.searchExpression = agrees && !nullable && alternativesAreApart(node) ? new RegExp(printNode(node), 'g') : null;
    this.firstBytes = null;
    if (!nullable && this.searchExpression === null) {
      this.firstBytes = emptySet();
      addFirstBytes(node, this.firstBytes);
    }
  }

  matcher(): Matcher {
    return (this.#matcher ??= new Matcher(this.node, this.groupCount));
  }

  /** The groups where the whole text matches, else null. */
  match(text: string): EreGroups | null {
    if (this.wholeExpression !== null) {
      const match = execOrOverflow(this.wholeExpression, text);
      if (match !== undefined) return match === null ? null : groupsOf(match);
    }
    const matcher = this.matcher();
    return matcher.run(text, 0, true, false) ? matcher.groups(text) : null;
  }

  /** Text before the first match, its groups, text up to the second match, and so on; the text alone where nothing matches. */
  split(text: string): ErePiece[] {
    const pieces: ErePiece[] = [];
    if (this.searchExpression !== null && this.#splitByRegExp(text, pieces)) return pieces;
    pieces.length = 0;
    const matcher = this.matcher();
    let piece = 0;
    let from = 0;
    let mustNotBeEmpty = false;
    for (;;) {
      const begin: number =
        mustNotBeEmpty && matcher.run(text, from, false, true) ? from : this.#search(text, mustNotBeEmpty ? from + 1 : from);
      if (begin < 0) break;
      pieces.push(text.slice(piece, begin), matcher.groups(text));
      piece = from = matcher.solutionEnd;
      mustNotBeEmpty = begin === from;
      if (mustNotBeEmpty && from === text.length) break;
    }
    pieces.push(text.slice(piece));
    return pieces;
  }

  #search(text: string, from: number): number {
    const { firstBytes } = this;
    const matcher = this.matcher();
    for (let at = from; at <= text.length; at++) {
      if (firstBytes !== null && (at === text.length || firstBytes[text.charCodeAt(at)] === 0)) continue;
      if (matcher.run(text, at, false, false)) return at;
    }
    return -1;
  }

  #splitByRegExp(text: string, pieces: ErePiece[]): boolean {
    const expression = this.searchExpression!;
    expression.lastIndex = 0;
    let piece = 0;
    for (;;) {
      const match = execOrOverflow(expression, text);
      if (match === undefined) return false;
      if (match === null) break;
      pieces.push(text.slice(piece, match.index), groupsOf(match));
      piece = expression.lastIndex;
    }
    pieces.push(text.slice(piece));
    return true;
  }
}

/** Reads an expression (a byte string). EvalError in Nix's words where libstdc++ refuses it. */
export function parseEre(pattern: string): Ere {
  try {
    const parser = new Parser(pattern);
    return new Ere(parser.parse(), parser.groups);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const problem = error.tooLarge ? 'memory limit exceeded by' : 'invalid';
    throw new EvalError(`${problem} regular expression '${pattern}'`, { data: { pattern } });
  }
}
