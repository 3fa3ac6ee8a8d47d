// Progress as plain data, for crossing from the worker behind the bridge to the thread that has the user's terminal.

import type { Activity, ActivityType, LogLevel, Progress, ProgressFields, ResultType, StartOptions } from '../base/progress.ts';

/** One call of Progress. Activities have numbers, unique within their sender. */
export type ProgressEvent =
  | { readonly kind: 'log'; readonly level: LogLevel; readonly text: string }
  | {
      readonly kind: 'start';
      readonly id: number;
      readonly type: ActivityType;
      readonly text: string;
      readonly parent: number | undefined;
      readonly fields: ProgressFields | undefined;
      readonly level: LogLevel | undefined;
    }
  | { readonly kind: 'result'; readonly id: number; readonly type: ResultType; readonly fields: ProgressFields }
  | { readonly kind: 'stop'; readonly id: number };

/** A Progress whose calls become events. */
export function sendProgress(send: (event: ProgressEvent) => void): Progress {
  const ids = new WeakMap<Activity, number>();
  let next = 1;
  return {
    log: (level, text) => send({ kind: 'log', level, text }),
    start(type, text, { fields, parent, level }: StartOptions = {}) {
      const id = next++;
      let isOver = false;
      send({ kind: 'start', id, type, text, parent: parent && ids.get(parent), fields, level });
      const activity: Activity = {
        result: (resultType, resultFields) => send({ kind: 'result', id, type: resultType, fields: resultFields }),
        stop() {
          if (!isOver) send({ kind: 'stop', id });
          isOver = true;
        },
      };
      ids.set(activity, id);
      return activity;
    },
  };
}

/** A Progress that tells another one everything, too. */
export function tellAlso(progress: Progress, other: Progress): Progress {
  const ownOf = new WeakMap<Activity, Activity>();
  const others = new WeakMap<Activity, Activity>();
  return {
    ...(progress.level !== undefined && { level: progress.level }),
    log(level, text) {
      other.log(level, text);
      progress.log(level, text);
    },
    start(type, text, options = {}) {
      const { parent } = options;
      const second = other.start(type, text, { ...options, parent: parent && others.get(parent) });
      const first = progress.start(type, text, { ...options, parent: parent && ownOf.get(parent) });
      const activity: Activity = {
        result(resultType, fields) {
          second.result(resultType, fields);
          first.result(resultType, fields);
        },
        stop() {
          second.stop();
          first.stop();
        },
      };
      ownOf.set(activity, first);
      others.set(activity, second);
      return activity;
    },
  };
}

/** The other end: makes the calls again. */
export class ProgressReplay {
  private readonly progress: Progress;
  private readonly activities = new Map<number, Activity>();

  constructor(progress: Progress) {
    this.progress = progress;
  }

  receive(event: ProgressEvent): void {
    switch (event.kind) {
      case 'log':
        return this.progress.log(event.level, event.text);
      case 'start': {
        const parent = event.parent === undefined ? undefined : this.activities.get(event.parent);
        const options = { ...(event.fields && { fields: event.fields }), ...(event.level && { level: event.level }), parent };
        this.activities.set(event.id, this.progress.start(event.type, event.text, options));
        return;
      }
      case 'result':
        return this.activities.get(event.id)?.result(event.type, event.fields);
      case 'stop':
        this.activities.get(event.id)?.stop();
        this.activities.delete(event.id);
    }
  }
}
