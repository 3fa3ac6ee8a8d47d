// EvalHost: everything the evaluator needs of the world, synchronous. The engine implements it over the machine, tests and browsers
// over memory. Paths are absolute, canonical byte strings (no "." or ".." or double slash); strings with file contents are byte
// strings. An entry is added here only with a decision note.

import type { TraceFrame } from '../base/errors.ts';
import type { ContentAddressMethod, ContentReferences } from '../model/content-address.ts';
import type { Derivation } from '../model/derivation.ts';
import type { Hash } from '../base/hash.ts';
import type { StoreDir, StorePath } from '../model/store-path.ts';

export type PathKind = 'regular' | 'directory' | 'symlink' | 'unknown';

/** Chooses what of a tree goes to the store: gets the path and the kind of each entry below the root. */
export type PathFilter = (path: string, kind: PathKind) => boolean;

export interface AddToStoreRequest {
  /** Absolute path of the file or folder. */
  readonly path: string;
  readonly name: string;
  readonly method: ContentAddressMethod;
  readonly algorithm: Hash['algorithm'];
  readonly filter?: PathFilter | undefined;
  /** Store objects that the content speaks of (it lies in one that does). */
  readonly references?: readonly StorePath[] | undefined;
  /** The hash the content must have; HashMismatchError otherwise. */
  readonly expected?: Hash | undefined;
}

/** Attributes of a fetcher input, as `builtins.fetchTree` takes them. */
export type InputAttrs = Readonly<Record<string, string | number | bigint | boolean>>;

export interface FetchedTree {
  /** Logical store path of the tree; its files may still lie elsewhere, where the host reads them. */
  readonly storePath: StorePath;
  /** What `fetchTree` returns beside outPath: narHash, rev, shortRev, lastModified, ... */
  readonly info: InputAttrs;
}

export interface EvalConstants {
  readonly currentSystem: string;
  /** Seconds since 1970; undefined in pure mode. */
  readonly currentTime: number | undefined;
  readonly storeDir: StoreDir;
  /** Search path entries, from -I and NIX_PATH. */
  readonly nixPath: readonly { readonly prefix: string; readonly path: string }[];
  /** Where search path entries that are relative paths start: an absolute byte string; the root unless said. */
  readonly workingFolder?: string;
  readonly pureEval: boolean;
  readonly restrictEval: boolean;
  readonly allowImportFromDerivation: boolean;
  readonly traceVerbose: boolean;
  /** Setting `trace-import-from-derivation`: evaluation that builds says so. */
  readonly traceImportFromDerivation?: boolean;
  /** Nothing is built, substituted or written (`nix-instantiate --eval`): store paths in programs need not be valid. */
  readonly readOnly?: boolean;
  /** Setting `abort-on-warn`: `builtins.warn` ends evaluation. */
  readonly abortOnWarn?: boolean;
  /** Setting `allowed-uris`: prefixes of what restricted evaluation may fetch. */
  readonly allowedUris?: readonly string[];
  /** Names of the experimental features that are on ("flakes", "fetch-closure"); builtins that need others are missing. */
  readonly experimentalFeatures?: ReadonlySet<string>;
}

/** What evaluation says to the user: `builtins.trace`, `builtins.warn` (of the program's own), warnings and errors of the evaluator's. */
export type EvalLogLevel = 'trace' | 'evaluation warning' | 'warn' | 'error';

export interface EvalHost {
  readonly constants: EvalConstants;
  /** IoError where the file cannot be read; RestrictedPathError where the mode forbids it (so for all reads below). */
  readFile(path: string): string;
  /** Entries in no particular order. */
  readDir(path: string): { readonly name: string; readonly kind: PathKind }[];
  /** Of the path itself, a final symbolic link not followed. Undefined where nothing is there. */
  pathKind(path: string): PathKind | undefined;
  readLink(path: string): string;
  /**
   * What messages call a file in the store that is not there yet: where a flake's tree really lies, or the reference that it was
   * fetched by. Undefined where the path itself will do and can be read.
   */
  showPath?(path: string): string | undefined;
  /** RestrictedPathError where the mode forbids to read the path. Hosts that forbid nothing leave it out. */
  checkAccess?(path: string): void;
  /** The folder that holds exactly a fetched tree; undefined where there is none, or nobody fetched it. */
  treeFolder?(storePath: StorePath): string | undefined;
  /** The error for a path where nothing is: a tree may know why (a file that git does not track). */
  noSuchPath?(path: string): Error;
  /** Hash the content and give its store path; whether bytes are copied now or when something is realised is the host's affair. */
  addToStore(request: AddToStoreRequest): StorePath;
  /** A text object (`builtins.toFile`); kept with the derivations until something needs it. */
  addTextToStore(name: string, text: string, references: readonly StorePath[]): StorePath;
  /** Takes note of a derivation that evaluation produced; it is written when something needs it. */
  registerDerivation(path: StorePath, derivation: Derivation, aterm: string): void;
  /** A derivation that lies in the store (a .drv used as a string by the program); undefined where there is none. */
  readDerivation(path: StorePath): Derivation | undefined;
  /** What an output of a derivation was built as, where its path does not follow from the derivation; undefined where nobody knows. */
  realisedOutput?(derivation: StorePath, output: string): StorePath | undefined;
  /** Store path of an object whose content address is known. */
  readonly makeContentPath?: (name: string, hash: Hash, references: ContentReferences) => StorePath;
  /** Locks and fetches, in one batch. */
  fetchTrees(inputs: readonly { readonly attrs: InputAttrs; readonly kind: 'tree' | 'git' | 'tarball' | 'file' }[]): FetchedTree[];
  /** Copies a path and all it refers to from a binary cache. Hosts without a store leave it out. */
  fetchClosure?(request: ClosureRequest): FetchedClosure;
  /** Value of `builtins.getFlake`: lock file text, and the trees behind its nodes. The flake room turns it into a value. */
  lockFlake(flakeRef: string): LockedFlakeInfo;
  /**
   * Builds or substitutes the outputs (import from derivation). Paths are "<drv>^<out>" or plain store paths. Gives what placeholders
   * of outputs stand for that are known only now; undefined for none.
   */
  realise(paths: readonly string[]): ReadonlyMap<string, string> | undefined;
  isValidPath(path: StorePath): boolean;
  /** The program may read this object of the store: it has its hash. Hosts that forbid nothing leave it out. */
  allow?(path: StorePath): void;
  /** References of a valid store object; empty where nothing is known (`readFile` finds the context of a file in the store by it). */
  queryReferences?(path: StorePath): readonly StorePath[];
  getEnv(name: string): string;
  /** A first frame without text is the place of the message itself. */
  log(level: EvalLogLevel, message: string, frames?: readonly TraceFrame[]): void;
}

/** What `builtins.fetchClosure` is asked for. */
export interface ClosureRequest {
  /** URL of a binary cache. */
  readonly fromStore: string;
  readonly fromPath: StorePath;
  /** What rewriting into content-addressed form must lead to; null to find that out; undefined to rewrite nothing. */
  readonly toPath: StorePath | null | undefined;
  readonly inputAddressed: boolean;
}

/** What came of it. */
export interface FetchedClosure {
  /** Where rewriting led to; undefined where nothing was rewritten. */
  readonly rewritten: StorePath | undefined;
  /** Whether the path that was asked for follows from its contents. */
  readonly isContentAddressed: boolean;
}

/** What call-flake needs: the lock file as JSON text and, per node key, where its tree is and which attributes it has. */
export interface LockedFlakeInfo {
  readonly lockFile: string;
  readonly overrides: Readonly<Record<string, { readonly sourceInfo: InputAttrs & { readonly outPath: string }; readonly dir: string }>>;
}
