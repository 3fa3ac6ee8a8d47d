// `--help`: what a command is for, how it is written, its options, its examples. Made from the same declarations that read the words.

import { UsageError } from '../base/errors.ts';
import { COMMANDS, LEGACY_COMMANDS, groupNames, wordsBelow, type CommandClass } from './command-table.ts';
import { GLOBAL_FLAGS, LEGACY_FLAGS } from './options.ts';
import { describeWords, type DeclaredArgument, type DeclaredOption } from './words.ts';

const LEFT_COLUMN = 34;
const WIDTH = 100;

/** Breaks text into lines of at most `width`, each behind `indent`. */
function wrap(text: string, indent: string, width: number): string {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width - indent.length) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines.map((line) => (line === '' ? '' : indent + line)).join('\n');
}

/** Two columns: a word on the left, what it means on the right. */
function printRow(left: string, right: string): string {
  const text = wrap(right, ' '.repeat(LEFT_COLUMN), WIDTH);
  if (left.length + 3 >= LEFT_COLUMN) return `  ${left}\n${text}`;
  return `  ${left}${text.slice(left.length + 2)}`;
}

function section(title: string, body: string): string {
  return body === '' ? '' : `\n${title}\n${body}\n`;
}

function printArgument({ name, required, isRest }: DeclaredArgument): string {
  const word = `${name}${isRest ? '...' : ''}`;
  return required ? `<${word}>` : `[${word}]`;
}

function printOption({ names, labels, arity, description }: DeclaredOption): string {
  const words = [...names]
    .sort((a, b) => a.length - b.length)
    .filter((name, index, all) => index === 0 || name.length === 2 || all[index - 1]!.length <= 2);
  const placeholder = labels.map((label) => ` <${label}>`).join('');
  return printRow(`${words.join(', ')}${placeholder}${arity === Infinity && labels.length === 0 ? ' ...' : ''}`, description ?? '');
}

function printCommand(program: string, name: string, commandClass: CommandClass, isLegacy: boolean): string {
  const { options, arguments: args } = describeWords(new commandClass());
  const { usage } = commandClass;
  const words = isLegacy ? name : `${program} ${name}`;
  const examples = (usage?.examples ?? [])
    .map(([what, command]) => `${wrap(what, '  ', WIDTH)}\n    ${command.replace('$0', isLegacy ? name : program)}`)
    .join('\n\n');
  const globals = [...GLOBAL_FLAGS, ...(isLegacy ? LEGACY_FLAGS : [])].map(({ names, labels, text }) =>
    printRow(`${[...names].sort((a, b) => a.length - b.length).join(', ')}${labels.map((label) => ` <${label}>`).join('')}`, text),
  );
  return [
    `${words}: ${usage?.description ?? ''}\n`,
    section('Usage', `  ${[words, ...(options.length > 0 ? ['[option...]'] : []), ...args.map(printArgument)].join(' ')}`),
    section('Examples', examples),
    section('', usage?.details === undefined ? '' : wrap(usage.details.trim(), '  ', WIDTH)).replace(/^\n\n/, '\n'),
    section(
      'Options',
      options
        .filter(({ hidden }) => !hidden)
        .map(printOption)
        .join('\n'),
    ),
    section(
      'Options of every command',
      [...globals, printRow('--<setting> <value>', `Any setting of nix.conf is an option too: see '${program} config show'.`)].join('\n'),
    ),
  ].join('');
}

/** What the commands of a group are for, as Nix has it. */
const GROUP_TEXTS: Readonly<Record<string, string>> = {
  config: 'manipulate the Nix configuration file',
  derivation: "work with derivations, Nix's notion of a build plan",
  env: 'manipulate the process environment',
  flake: 'manage Nix flakes',
  formatter: 'build or run the formatter',
  hash: 'compute and convert cryptographic hashes',
  key: 'generate and convert Nix signing keys',
  nar: 'create or inspect NAR files',
  profile: 'manage Nix profiles',
  realisation: 'manipulate a Nix realisation',
  registry: 'manage the flake registry',
  store: 'manipulate a Nix store',
};

async function printGroup(program: string, group: string): Promise<string> {
  const rows: string[] = [];
  for (const word of wordsBelow(group)) {
    const name = group === '' ? word : `${group} ${word}`;
    const load = COMMANDS[name];
    if (load === undefined) {
      rows.push(printRow(word, `(a group: ${wordsBelow(name).join(', ')})`));
    } else {
      const { usage } = await load();
      rows.push(printRow(word, usage?.description ?? ''));
    }
  }
  const title =
    group === ''
      ? `${program}: reproducible development environments and packages, a complete implementation of Nix`
      : `${program} ${group}: ${GROUP_TEXTS[group] ?? ''}`;
  const legacy = group === '' ? Object.keys(LEGACY_COMMANDS).sort() : [];
  return [
    `${title}\n`,
    section('Usage', `  ${[program, group, '<command> [option...]'].filter(Boolean).join(' ')}`),
    section('Commands', rows.join('\n')),
    section(
      'Older commands',
      legacy.length === 0 ? '' : wrap(`${legacy.join(', ')}: as '${program} <command>', or through links of these names.`, '  ', WIDTH),
    ),
    `\nSee '${[program, group, '<command> --help'].filter(Boolean).join(' ')}' for one command.\n`,
  ].join('');
}

/** Help for a command, a group of them, or everything (""). UsageError where there is no such command. */
export async function printHelp(program: string, name: string): Promise<string> {
  const load = COMMANDS[name];
  if (load !== undefined) return printCommand(program, name, await load(), false);
  const legacy = LEGACY_COMMANDS[name];
  if (legacy !== undefined) return printCommand(program, name, await legacy(), true);
  if (name === '' || groupNames().includes(name)) return printGroup(program, name);
  throw new UsageError(`Nix has no subcommand '${name}'`);
}
