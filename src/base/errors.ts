// The error families of floe. A class exists only where a caller acts differently on it; everything else is a stable `code`.
// Words match C++ Nix's where users or test suites compare them; colour and layout are added by cli/print-error.ts alone.

/** One line of a language-level trace: what was being evaluated, and where. */
export interface TraceFrame {
  /** For example "while evaluating the attribute 'buildInputs'". */
  readonly text: string;
  readonly position?: SourcePosition | undefined;
  /** Made by builtins.addErrorContext: shown even where other frames are left out. */
  readonly isCustom?: boolean;
}

/** A place in Nix source, already resolved to line and column (both from 1). */
export interface SourcePosition {
  /** Path of the file, or "«string»" and the like for text that is no file. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The source text, when the error's excerpt cannot be read back from `file`. */
  readonly source?: string | undefined;
}

export interface FloeErrorOptions {
  readonly data?: Readonly<Record<string, unknown>>;
  /** The next thing to try, as one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  readonly position?: SourcePosition | undefined;
  /** Names near the one that was not found, best first. */
  readonly suggestions?: readonly string[];
}

/** Everything floe reports to a user. `code` is stable and never reused; `message` says what is wrong in one sentence. */
export class FloeError extends Error {
  readonly code: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** May be added on the way out. */
  hint: string | undefined;
  position: SourcePosition | undefined;
  readonly suggestions: readonly string[];
  /** Outermost frame last; the evaluator pushes as the error travels up. */
  readonly frames: TraceFrame[] = [];
  constructor(code: string, message: string, options: FloeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data ?? {};
    this.hint = options.hint;
    this.position = options.position;
    this.suggestions = options.suggestions ?? [];
  }
  override get name(): string {
    return this.code;
  }
}

/** Wrong words on the command line or wrong arguments to the API. Printed without a trace. */
export class UsageError extends FloeError {
  constructor(message: string, options?: FloeErrorOptions) {
    super('FLOE_USAGE', message, options);
  }
}

/** Nix source that does not parse, undefined variables included (they are found while binding). */
export class ParseError extends FloeError {
  constructor(message: string, options?: FloeErrorOptions & { code?: string }) {
    super(options?.code ?? 'FLOE_PARSE', message, options);
  }
}

/** Any failure of evaluation. */
export class EvalError extends FloeError {
  constructor(message: string, options?: FloeErrorOptions & { code?: string }) {
    super(options?.code ?? 'FLOE_EVAL', message, options);
  }
}
export class WrongTypeError extends EvalError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_WRONG_TYPE' });
  }
}
export class UndefinedVariableError extends EvalError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_UNDEFINED_VARIABLE' });
  }
}
export class MissingAttributeError extends EvalError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_MISSING_ATTRIBUTE' });
  }
}
export class InfiniteRecursionError extends EvalError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_INFINITE_RECURSION' });
  }
}
export class StackOverflowError extends EvalError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_STACK_OVERFLOW' });
  }
}
export class AbortError extends EvalError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_ABORT' });
  }
}
/** A read that pure or restricted evaluation forbids. */
export class RestrictedPathError extends EvalError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_RESTRICTED_PATH' });
  }
}
/** What `builtins.tryEval` catches, and nothing else. */
export class CatchableError extends EvalError {}
export class ThrownError extends CatchableError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_THROWN' });
  }
}
export class AssertionError extends CatchableError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_ASSERTION' });
  }
}

/** Bytes or text that are not in the format they claim to be. */
export class FormatError extends FloeError {
  constructor(message: string, options?: FloeErrorOptions) {
    super('FLOE_FORMAT', message, options);
  }
}
export class StoreError extends FloeError {
  constructor(message: string, options?: FloeErrorOptions & { code?: string }) {
    super(options?.code ?? 'FLOE_STORE', message, options);
  }
}
/** A store path that is not (or no longer) valid in the store that was asked. */
export class InvalidPathError extends StoreError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_INVALID_PATH' });
  }
}
export class SignatureError extends StoreError {
  constructor(message: string, options?: FloeErrorOptions) {
    super(message, { ...options, code: 'FLOE_SIGNATURE' });
  }
}
/** Content whose hash is not the one that was promised; `data` holds `wanted` and `got`. */
export class HashMismatchError extends FloeError {
  constructor(message: string, options?: FloeErrorOptions) {
    super('FLOE_HASH_MISMATCH', message, options);
  }
}
export class FetchError extends FloeError {
  constructor(message: string, options?: FloeErrorOptions & { code?: string }) {
    super(options?.code ?? 'FLOE_FETCH', message, options);
  }
}
export class LockFileError extends FloeError {
  constructor(message: string, options?: FloeErrorOptions) {
    super('FLOE_LOCK_FILE', message, options);
  }
}
/** A build that failed; `status` is one of Nix's status words, `exitCode` what floe itself exits with (1, or 100 to 104). */
export class BuildError extends FloeError {
  readonly status: string;
  readonly exitCode: number;
  constructor(status: string, message: string, options?: FloeErrorOptions & { exitCode?: number }) {
    super('FLOE_BUILD', message, options);
    this.status = status;
    this.exitCode = options?.exitCode ?? 1;
  }
}
export class ProtocolError extends FloeError {
  constructor(message: string, options?: FloeErrorOptions) {
    super('FLOE_PROTOCOL', message, options);
  }
}
/** The machine said no: a full disk, a missing permission, a name that is no folder. */
export class IoError extends FloeError {
  constructor(message: string, options?: FloeErrorOptions) {
    super('FLOE_IO', message, options);
  }
}
