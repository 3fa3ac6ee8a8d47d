// `fromTOML`; the format itself is toml-reader.ts.

import { EvalError } from '../../base/errors.ts';
import { RecordShape } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { forceStringNoContext } from '../coerce.ts';
import { at } from '../error-position.ts';
import { hasFeature } from './features.ts';
import { refuseNullBytes } from './json.ts';
import { parseToml, TomlSyntaxError } from './toml-reader.ts';

const TIMESTAMP = new RecordShape('_type', 'value');

/** builtins.fromTOML */
export const fromTOML: BuiltinDefinition = {
  args: ['e'],
  text: 'The value that a TOML text (version 1.0.0) stands for. Dates and times are refused unless `parse-toml-timestamps` is on.',
  run(state, pos, slot) {
    const text = forceStringNoContext(state, slot!, pos, 'while evaluating the argument passed to builtins.fromTOML');
    const allowsTimes = hasFeature(state, 'parse-toml-timestamps');
    const refuse = (problem: string): never => {
      throw new EvalError(`while parsing TOML: ${problem.trimEnd()}`, { ...at(pos), data: { hasEmptyLastLine: problem.endsWith('\n') } });
    };
    try {
      return parseToml(
        text,
        (time) => (allowsTimes ? TIMESTAMP.make('timestamp', time.text) : refuse('Dates and times are not supported')),
        (string) => {
          try {
            refuseNullBytes(string);
          } catch (error) {
            // NIX: what went wrong is printed as an error of its own.
            refuse(`error: ${(error as Error).message}`);
          }
        },
      );
    } catch (error) {
      if (error instanceof TomlSyntaxError) refuse(error.message);
      throw error;
    }
  },
};
