// The grammar of the Nix language as bison sees it in C++ Nix 2.34.8 (libexpr/parser.y), as data, and the LALR(1) tables bison would
// make from it. The parser does not use them: they exist so that syntax errors can be worded exactly as Nix words them, which
// depends on the states of bison's automaton and on where it reduces by default (syntax-error.ts). The order of rules and the order
// of tokens (token.ts) are part of the specification. Tables: LR(0) states, look-ahead by DeRemer and Pennello's method, conflicts
// settled by precedence, default reductions chosen as bison chooses them ("The Bison Parser Algorithm" in its manual).

import { Token } from './token.ts';

// One line a rule: left side, colon, symbols. Capitalised symbols are tokens, others non-terminals. `%prec` as in bison.
const RULES = `
start: expr
start: ReplBindings binds1
expr: function
function: Id Colon function
function: formalSet Colon function
function: formalSet At Id Colon function
function: Id At formalSet Colon function
function: Assert expr Semicolon function
function: With expr Semicolon function
function: Let binds In function
function: if
if: If expr Then expr Else expr
if: pipeFrom
if: pipeInto
if: op
pipeFrom: op PipeFrom pipeFrom
pipeFrom: op PipeFrom op
pipeInto: pipeInto PipeInto op
pipeInto: op PipeInto op
op: Bang op %prec NOT
op: Minus op %prec NEGATE
op: op Equal op
op: op NotEqual op
op: op Less op
op: op LessEqual op
op: op Greater op
op: op GreaterEqual op
op: op And op
op: op Or op
op: op Implies op
op: op Update op
op: op Question attrPath
op: op Plus op
op: op Minus op
op: op Times op
op: op Divide op
op: op Concat op
op: app
app: app select
app: select
select: simple Dot attrPath
select: simple Dot attrPath OrKeyword select
select: simple OrKeyword
select: simple
simple: Id
simple: Int
simple: Float
simple: Quote stringParts Quote
simple: IndStringOpen indStringParts IndStringClose
simple: pathStart PathEnd
simple: pathStart interpolated PathEnd
simple: SearchPath
simple: Uri
simple: ParenOpen expr ParenClose
simple: Let CurlyOpen binds CurlyClose
simple: Rec CurlyOpen binds CurlyClose
simple: CurlyOpen binds1 CurlyClose
simple: CurlyOpen CurlyClose
simple: BracketOpen list BracketClose
stringParts: Str
stringParts: interpolated
stringParts:
interpolated: interpolated Str
interpolated: interpolated DollarCurly expr CurlyClose
interpolated: DollarCurly expr CurlyClose
interpolated: Str DollarCurly expr CurlyClose
pathStart: Path
pathStart: HomePath
indStringParts: indStringParts IndStr
indStringParts: indStringParts DollarCurly expr CurlyClose
indStringParts:
binds: binds1
binds:
binds1: binds1 attrPath Assign expr Semicolon
binds1: binds Inherit attrs Semicolon
binds1: binds Inherit ParenOpen expr ParenClose attrs Semicolon
binds1: attrPath Assign expr Semicolon
attrs: attrs attr
attrs: attrs stringAttr
attrs:
attrPath: attrPath Dot attr
attrPath: attrPath Dot stringAttr
attrPath: attr
attrPath: stringAttr
attr: Id
attr: OrKeyword
stringAttr: Quote stringParts Quote
stringAttr: DollarCurly expr CurlyClose
list: list select
list:
formalSet: CurlyOpen formals Comma Ellipsis CurlyClose
formalSet: CurlyOpen Ellipsis CurlyClose
formalSet: CurlyOpen formals Comma CurlyClose
formalSet: CurlyOpen formals CurlyClose
formalSet: CurlyOpen CurlyClose
formals: formals Comma formal
formals: formal
formal: Id
formal: Id Question expr
`;

// Weakest first. NOT and NEGATE stand for the prefix operators.
const PRECEDENCE: readonly (readonly [associativity: 'left' | 'right' | 'none', ...tokens: string[]])[] = [
  ['right', 'Implies'],
  ['left', 'Or'],
  ['left', 'And'],
  ['none', 'Equal', 'NotEqual'],
  ['none', 'Less', 'Greater', 'LessEqual', 'GreaterEqual'],
  ['right', 'Update'],
  ['left', 'NOT'],
  ['left', 'Plus', 'Minus'],
  ['left', 'Times', 'Divide'],
  ['right', 'Concat'],
  ['none', 'Question'],
  ['none', 'NEGATE'],
];

const TOKEN_COUNT = Object.keys(Token).length;

/** A rule: symbols below TOKEN_COUNT are tokens, the others non-terminals. */
export interface Rule {
  readonly left: number;
  readonly right: readonly number[];
  /** 0 for none. */
  readonly precedence: number;
}

/** What to do in a state on a token. Zero or absent: the default reduction, and without one an error. */
export interface State {
  /** Token -> state to shift to. */
  readonly shifts: ReadonlyMap<number, number>;
  /** Token -> rule, where it is not the default one. */
  readonly reductions: ReadonlyMap<number, number>;
  /** Tokens that are errors although there is a default reduction. */
  readonly errors: ReadonlySet<number>;
  /** Non-terminal -> state. */
  readonly gotos: ReadonlyMap<number, number>;
  readonly defaultRule: number | undefined;
}

/** The tables of the whole grammar; the first state is 0. */
export interface Automaton {
  readonly rules: readonly Rule[];
  readonly states: readonly State[];
  /** Rule 0, `$accept: start EndOfFile`. */
  readonly acceptRule: 0;
}

function readRules(): Rule[] {
  const symbols = new Map<string, number>(Object.entries(Token));
  const levels = new Map<string, number>();
  PRECEDENCE.forEach(([, ...tokens], index) => tokens.forEach((token) => levels.set(token, index + 1)));
  const symbol = (name: string): number => {
    let number = symbols.get(name);
    if (number === undefined) symbols.set(name, (number = symbols.size));
    return number;
  };
  const rules: Rule[] = [{ left: symbol('$accept'), right: [symbol('start'), Token.EndOfFile], precedence: 0 }];
  for (const line of RULES.trim().split('\n')) {
    const [left, rest] = line.split(':') as [string, string];
    const [body, explicit] = rest.split('%prec') as [string, string | undefined];
    const names = body.trim() === '' ? [] : body.trim().split(' ');
    const right = names.map(symbol);
    const lastToken = names[right.findLastIndex((part) => part < TOKEN_COUNT)];
    rules.push({ left: symbol(left), right, precedence: levels.get(explicit?.trim() ?? lastToken ?? '') ?? 0 });
  }
  return rules;
}

/** An LR(0) state: its kernel, as numbers (rule * 32 + dot), and where each symbol leads. */
interface Lr0State {
  readonly kernel: readonly number[];
  readonly transitions: Map<number, number>;
  /** Rules complete here, ascending. */
  complete: number[];
}

const DOT_BITS = 5;
const DOT_MASK = 31;

function makeLr0States(rules: readonly Rule[], rulesOf: ReadonlyMap<number, number[]>): Lr0State[] {
  const states: Lr0State[] = [];
  const byKernel = new Map<string, number>();
  const stateOf = (kernel: number[]): number => {
    const key = kernel.join();
    let number = byKernel.get(key);
    if (number === undefined) {
      byKernel.set(key, (number = states.length));
      states.push({ kernel, transitions: new Map(), complete: [] });
    }
    return number;
  };
  stateOf([0]);
  for (let i = 0; i < states.length; i++) {
    const state = states[i]!;
    const items = [...state.kernel];
    const closed = new Set<number>();
    const nextKernels = new Map<number, number[]>();
    for (let j = 0; j < items.length; j++) {
      const item = items[j]!;
      const rule = item >> DOT_BITS;
      const next = rules[rule]!.right[item & DOT_MASK];
      if (next === undefined) {
        state.complete.push(rule);
        continue;
      }
      const kernel = nextKernels.get(next);
      if (kernel === undefined) nextKernels.set(next, [item + 1]);
      else kernel.push(item + 1);
      if (next >= TOKEN_COUNT && !closed.has(next)) {
        closed.add(next);
        for (const added of rulesOf.get(next)!) items.push(added << DOT_BITS);
      }
    }
    state.complete.sort((a, b) => a - b);
    for (const [symbol, kernel] of nextKernels) state.transitions.set(symbol, stateOf(kernel.sort((a, b) => a - b)));
  }
  return states;
}

/** A set of tokens as a bigint. */
type TokenSet = bigint;
const bit = (token: number): TokenSet => 1n << BigInt(token);

/** Unions each node's set with those of its successors until nothing changes. */
function propagate(sets: TokenSet[], successors: readonly (readonly number[])[]): void {
  for (let changed = true; changed;) {
    changed = false;
    for (let i = 0; i < sets.length; i++) {
      let union = sets[i]!;
      for (const successor of successors[i]!) union |= sets[successor]!;
      if (union !== sets[i]) {
        sets[i] = union;
        changed = true;
      }
    }
  }
}

/** Look-ahead of each complete rule of each state: key state * rules.length + rule. */
function makeLookaheads(
  rules: readonly Rule[],
  rulesOf: ReadonlyMap<number, number[]>,
  states: readonly Lr0State[],
): Map<number, TokenSet> {
  const nullable = new Set<number>();
  for (let size = -1; size !== nullable.size;) {
    size = nullable.size;
    for (const rule of rules) if (rule.right.every((symbol) => nullable.has(symbol))) nullable.add(rule.left);
  }
  // Transitions on non-terminals, numbered.
  const numbers = new Map<number, number>();
  const transitions: { from: number; symbol: number; to: number }[] = [];
  const keyOf = (state: number, symbol: number): number => state * 256 + symbol;
  states.forEach((state, from) => {
    for (const [symbol, to] of state.transitions) {
      if (symbol >= TOKEN_COUNT) numbers.set(keyOf(from, symbol), transitions.push({ from, symbol, to }) - 1);
    }
  });
  const sets = transitions.map(({ to }) => {
    let direct = 0n;
    for (const symbol of states[to]!.transitions.keys()) if (symbol < TOKEN_COUNT) direct |= bit(symbol);
    return direct;
  });
  const reads = transitions.map(({ to }) =>
    [...states[to]!.transitions.keys()].filter((symbol) => nullable.has(symbol)).map((symbol) => numbers.get(keyOf(to, symbol))!),
  );
  propagate(sets, reads);
  const includes: number[][] = transitions.map(() => []);
  const lookbacks = new Map<number, number[]>();
  transitions.forEach(({ from, symbol }, number) => {
    for (const ruleNumber of rulesOf.get(symbol)!) {
      const right = rules[ruleNumber]!.right;
      let state = from;
      right.forEach((part, index) => {
        if (part >= TOKEN_COUNT && right.slice(index + 1).every((rest) => nullable.has(rest)))
          includes[numbers.get(keyOf(state, part))!]!.push(number);
        state = states[state]!.transitions.get(part)!;
      });
      const key = state * rules.length + ruleNumber;
      const lookback = lookbacks.get(key);
      if (lookback === undefined) lookbacks.set(key, [number]);
      else lookback.push(number);
    }
  });
  propagate(sets, includes);
  return new Map([...lookbacks].map(([key, from]) => [key, from.reduce((union, number) => union | sets[number]!, 0n)]));
}

/** Settles shift or reduce by precedence: the reduction loses `dropped`, the shifts lose `shadowed`, `errors` are neither. */
function resolve(precedence: number, lookahead: TokenSet, shifts: ReadonlyMap<number, number>, levels: ReadonlyMap<number, number>) {
  const dropped: number[] = [];
  const shadowed: number[] = [];
  const errors: number[] = [];
  for (const token of shifts.keys()) {
    const level = levels.get(token) ?? 0;
    if (level === 0 || (lookahead & bit(token)) === 0n) continue;
    const associativity = PRECEDENCE[precedence - 1]![0];
    if (level > precedence || (level === precedence && associativity === 'right')) dropped.push(token);
    else if (level < precedence || associativity === 'left') shadowed.push(token);
    else errors.push(token);
  }
  return { dropped, shadowed, errors };
}

function finishState(
  number: number,
  state: Lr0State,
  rules: readonly Rule[],
  lookaheads: ReadonlyMap<number, TokenSet>,
  levels: ReadonlyMap<number, number>,
): State {
  const shifts = new Map<number, number>();
  const gotos = new Map<number, number>();
  for (const [symbol, to] of state.transitions) (symbol < TOKEN_COUNT ? shifts : gotos).set(symbol, to);
  const reductions = new Map<number, number>();
  const errors = new Set<number>();
  const complete = state.complete;
  if (complete.length === 0 || (complete.length === 1 && shifts.size === 0)) {
    return { shifts, reductions, errors, gotos, defaultRule: complete[0] };
  }
  const counts = new Map<number, number>();
  for (const rule of complete) {
    let lookahead = lookaheads.get(number * rules.length + rule)!;
    const precedence = rules[rule]!.precedence;
    if (precedence > 0) {
      const settled = resolve(precedence, lookahead, shifts, levels);
      for (const token of settled.dropped) lookahead &= ~bit(token);
      for (const token of settled.shadowed) shifts.delete(token);
      for (const token of settled.errors) {
        shifts.delete(token);
        lookahead &= ~bit(token);
        errors.add(token);
      }
    }
    for (let token = 0; token < TOKEN_COUNT; token++) {
      if ((lookahead & bit(token)) === 0n || reductions.has(token) || shifts.has(token)) continue;
      reductions.set(token, rule);
      counts.set(rule, (counts.get(rule) ?? 0) + 1);
    }
  }
  // The most common reduction is the default; the first of equals.
  let defaultRule: number | undefined;
  for (const rule of complete) if ((counts.get(rule) ?? 0) > (defaultRule === undefined ? 0 : counts.get(defaultRule)!)) defaultRule = rule;
  for (const [token, rule] of reductions) if (rule === defaultRule) reductions.delete(token);
  if (defaultRule === undefined) errors.clear();
  return { shifts, reductions, errors, gotos, defaultRule };
}

/** Builds the tables; some milliseconds, so only when a syntax error needs them. */
export function makeAutomaton(): Automaton {
  const rules = readRules();
  const rulesOf = new Map<number, number[]>();
  rules.forEach((rule, number) => {
    const list = rulesOf.get(rule.left);
    if (list === undefined) rulesOf.set(rule.left, [number]);
    else list.push(number);
  });
  const levels = new Map<number, number>();
  PRECEDENCE.forEach(([, ...tokens], index) =>
    tokens.forEach((name) => {
      if (name in Token) levels.set(Token[name as keyof typeof Token], index + 1);
    }),
  );
  const lr0 = makeLr0States(rules, rulesOf);
  const lookaheads = makeLookaheads(rules, rulesOf, lr0);
  return { rules, states: lr0.map((state, number) => finishState(number, state, rules, lookaheads, levels)), acceptRule: 0 };
}
