// `nix __dump-cli`: all commands with their options and arguments as JSON, for tools that make documentation or compare. The form is that
// of C++ Nix 2.34.8 (Args::toJSON in libutil/args.cc), as far as tools read it.

import { type Json, printJson } from '../base/canonical-json.ts';
import { utf8ToByteString } from '../base/bytes.ts';
import { COMMANDS } from './command-table.ts';
import { GLOBAL_FLAGS } from './options.ts';
import { describeWords } from './words.ts';

interface Flag {
  readonly names: readonly string[];
  readonly labels: readonly string[];
  readonly arity: number;
  readonly description: string;
  readonly hidden?: boolean;
}

function describeFlags(flags: readonly Flag[]): Json {
  const described = new Map<string, Json>();
  for (const { names, labels, arity, description, hidden = false } of flags) {
    const short = names.find((name) => /^-[^-]$/.test(name));
    for (const name of names.filter((one) => one.startsWith('--'))) {
      described.set(name.slice(2), {
        ...(short === undefined ? {} : { shortName: short.slice(1) }),
        ...(Number.isFinite(arity) ? { arity } : {}),
        ...(labels.length === 0 ? {} : { labels: [...labels] }),
        category: '',
        description: utf8ToByteString(description),
        'experimental-feature': null,
        hiddenCategory: hidden,
      });
    }
  }
  return described;
}

async function describeCommand(name: string): Promise<Json> {
  const commandClass = await COMMANDS[name]!();
  const { options, arguments: args } = describeWords(new commandClass());
  return {
    args: args.map(({ name: label, required, isRest }) => ({ label, optional: !required, ...(isRest ? {} : { arity: 1 }) })),
    category: { description: '', 'experimental-feature': null, id: 100 },
    description: utf8ToByteString(commandClass.usage?.description ?? ''),
    flags: describeFlags(options.map((option) => ({ ...option, description: option.description ?? '' }))),
    ...(commandClass.usage?.details === undefined ? {} : { doc: utf8ToByteString(commandClass.usage.details) }),
  };
}

/** The dump, a byte string. */
export async function dumpCommands(): Promise<string> {
  const top = new Map<string, Json>();
  const groups = new Map<string, Map<string, Json>>();
  for (const name of Object.keys(COMMANDS)) {
    const [first, second] = name.split(' ') as [string, string | undefined];
    if (second === undefined) {
      top.set(first, await describeCommand(name));
      continue;
    }
    if (!groups.has(first)) groups.set(first, new Map());
    groups.get(first)!.set(second, await describeCommand(name));
  }
  for (const [group, commands] of groups) {
    if (top.has(group)) continue;
    top.set(group, { args: [{ arity: 1, label: 'subcommand', optional: true }], commands, description: '', flags: new Map() });
  }
  const flags = describeFlags(GLOBAL_FLAGS.map(({ names, labels, text }) => ({ names, labels, arity: labels.length, description: text })));
  const args = [{ arity: 1, label: 'subcommand', optional: true }];
  return printJson({ args: { args, commands: top, description: '', flags }, stores: new Map() });
}
