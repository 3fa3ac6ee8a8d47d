// What rooms tell about work under way: log lines, activities (a build, a download) and their results. The shape is that of Nix's
// own log (`--log-format internal-json`), so that tools which read it read floe's. The command line turns it into lines, a bar or
// JSON; tests collect it. Sending must be cheap: nobody may be listening.

/** How loud a line is, loudest first. Lines up to `info` are seen by default. */
export const LOG_LEVELS = ['error', 'warn', 'notice', 'info', 'talkative', 'chatty', 'debug', 'vomit'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Kinds of activity with Nix's numbers, and the fields each starts with. */
export const ACTIVITY_TYPES = {
  unknown: 0,
  /** store path, source store, destination store */
  'copy-path': 100,
  /** URL */
  'file-transfer': 101,
  realise: 102,
  'copy-paths': 103,
  builds: 104,
  /** derivation's store path, machine (empty for this one), 1, 1 */
  build: 105,
  'optimise-store': 106,
  'verify-paths': 107,
  /** store path, substituter */
  substitute: 108,
  /** store path, store */
  'query-path-info': 109,
  /** derivation's store path */
  'post-build-hook': 110,
  'build-waiting': 111,
  'fetch-tree': 112,
} as const;
export type ActivityType = keyof typeof ACTIVITY_TYPES;

/** Kinds of result with Nix's numbers, and the fields each has. */
export const RESULT_TYPES = {
  /** bytes saved */
  'file-linked': 100,
  /** line */
  'build-log-line': 101,
  'untrusted-path': 102,
  'corrupted-path': 103,
  /** phase */
  'set-phase': 104,
  /** done, expected, running, failed */
  progress: 105,
  /** activity type's number, expected */
  'set-expected': 106,
  /** line */
  'post-build-log-line': 107,
  /** text */
  'fetch-status': 108,
} as const;
export type ResultType = keyof typeof RESULT_TYPES;

export type ProgressFields = readonly (string | number)[];

/** A piece of work that has begun and not ended. */
export interface Activity {
  result(type: ResultType, fields: ProgressFields): void;
  /** Ends it; a second time does nothing. */
  stop(): void;
}

export interface StartOptions {
  readonly fields?: ProgressFields;
  readonly parent?: Activity | undefined;
  /** Loudness of `text`, which is printed with three dots when the activity begins; `vomit` unless said. */
  readonly level?: LogLevel;
}

/** Where rooms send what happens. */
export interface Progress {
  /** The quietest lines that somebody wants; others may be sent in vain. */
  readonly level?: LogLevel;
  log(level: LogLevel, text: string): void;
  start(type: ActivityType, text: string, options?: StartOptions): Activity;
}

const SILENT_ACTIVITY: Activity = { result() {}, stop() {} };

/** Nobody listens. */
export const SILENT: Progress = { log() {}, start: () => SILENT_ACTIVITY };
