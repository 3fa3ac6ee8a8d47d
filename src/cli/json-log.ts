// `json-log-path`: what is reported also goes to a file or socket, one JSON object a line, whatever the terminal shows.
// libutil/logging.cc, applyJSONLogger.

import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { IoError } from '../base/errors.ts';
import type { Activity, ActivityType, LogLevel, StartOptions } from '../base/progress.ts';
import type { ErrorLevel } from './print-error.ts';
import { makeJsonLog, type Report, type ReportOptions } from './report.ts';
import type { Output } from './session.ts';

interface LogTarget extends Output {
  readonly close: () => void;
}

function target(write: (bytes: string) => void, close: () => void): LogTarget {
  return {
    write: (text) => write(typeof text === 'string' ? text : Buffer.from(text).toString('utf8')),
    isTerminal: false,
    columns: 80,
    close,
  };
}

function openTarget(path: string): LogTarget {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() === true) {
    const socket = connect(path);
    // A reader that goes away does not end the command.
    socket.on('error', () => undefined);
    return target(
      (text) => void socket.write(text),
      () => socket.end(),
    );
  }
  let file: number;
  try {
    file = openSync(path, 'a', 0o644);
  } catch (error) {
    throw new IoError(`opening log file "${path}": ${(error as Error).message}`, { data: { path }, cause: error });
  }
  return target(
    (text) => void writeSync(file, text),
    () => closeSync(file),
  );
}

/** A report that also writes the JSON log. */
export function withJsonLog(report: Report, path: string, options: ReportOptions): Report {
  const place = openTarget(path);
  const log = makeJsonLog(place, options);
  const activities = new WeakMap<Activity, Activity>();
  return {
    level: options.level,
    showTrace(on) {
      log.showTrace(on);
      return report.showTrace(on);
    },
    log(level: LogLevel, text: string) {
      report.log(level, text);
      log.log(level, text);
    },
    warn(text: string) {
      report.warn(text);
      log.warn(text);
    },
    error(error: unknown, level?: ErrorLevel) {
      report.error(error, level);
      log.error(error, level);
    },
    evaluation(level, message, frames) {
      report.evaluation(level, message, frames);
      log.evaluation(level, message, frames);
    },
    start(type: ActivityType, text: string, startOptions: StartOptions = {}): Activity {
      const { parent } = startOptions;
      const shown = report.start(type, text, startOptions);
      const logged = log.start(type, text, { ...startOptions, parent: parent && activities.get(parent) });
      const activity: Activity = {
        result(resultType, fields) {
          shown.result(resultType, fields);
          logged.result(resultType, fields);
        },
        stop() {
          shown.stop();
          logged.stop();
        },
      };
      activities.set(activity, logged);
      // Children name the activity they were given.
      activities.set(shown, logged);
      return activity;
    },
    suspend: (action) => report.suspend(action),
    close() {
      report.close();
      place.close();
    },
  };
}
