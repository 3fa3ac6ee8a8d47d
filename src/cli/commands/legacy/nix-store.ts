// `nix-store`: operations on the store. What each does is in cli/nix-store/; only the one that runs is loaded.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { BaseCommand } from '../../base-command.ts';
import { type Operation, OperationRun } from '../../nix-store/operation.ts';
import { openEngine } from '../../open-engine.ts';
import { operationLine, type OperationName } from '../../operation-line.ts';
import { RootLinks } from '../../root-links.ts';

const add = () => import('../../nix-store/add.ts');
const archive = () => import('../../nix-store/archive.ts');
const care = () => import('../../nix-store/care.ts');
const query = () => import('../../nix-store/query.ts');

const OPERATIONS: Readonly<Record<OperationName, () => Promise<Operation>>> = {
  add: async () => (await add()).add,
  'add-fixed': async () => (await add()).addFixed,
  'check-validity': async () => (await query()).checkValidity,
  delete: async () => (await care()).deletePaths,
  dump: async () => (await archive()).dump,
  'dump-db': async () => (await archive()).dumpDatabase,
  export: async () => (await archive()).exportStorePaths,
  gc: async () => (await care()).collectGarbage,
  'generate-binary-cache-key': async () => (await add()).generateBinaryCacheKey,
  import: async () => (await archive()).importStorePaths,
  init: async () => (await care()).init,
  'load-db': async () => (await archive()).loadDatabase,
  optimise: async () => (await care()).optimise,
  'print-env': async () => (await query()).printEnv,
  'print-fixed-path': async () => (await add()).printFixedPath,
  query: async () => (await query()).query,
  'read-log': async () => (await query()).readLog,
  realise: async () => (await import('../../nix-store/realise.ts')).realise,
  'register-validity': async () => (await archive()).registerValidity,
  'repair-path': async () => (await care()).repairPaths,
  restore: async () => (await archive()).restore,
  serve: async () => (await care()).serve,
  verify: async () => (await care()).verify,
  'verify-path': async () => (await care()).verifyPaths,
};

/** They work on files, and on words that are none of the store's. */
const OPENS_NO_STORE: readonly OperationName[] = ['dump', 'restore', 'generate-binary-cache-key'];

export class NixStoreCommand extends BaseCommand {
  static override paths = [['nix-store']];
  static override usage = Command.Usage({
    description: 'manipulate or query the store',
    examples: [
      ['Build a derivation, with a root for the result', '$0 --realise --add-root ./result /nix/store/...-hello.drv'],
      ['List what a path refers to, all the way', '$0 --query --requisites ./result'],
    ],
  });

  readonly line = operationLine();
  readonly addRoot = Option.String('--add-root', { description: 'Make a garbage collector root. {path}' });
  readonly indirect = Option.Boolean('--indirect', false, { description: 'Has no effect: roots are indirect.' });
  readonly noOutput = Option.Boolean('--no-output', false, { description: 'Do not print the paths that were realised.' });
  readonly stdin = Option.Boolean('--stdin', false, { description: 'Read more arguments from standard input.' });
  readonly words = Option.Rest({ name: 'paths' });

  async execute(): Promise<number | void> {
    const { operation, flags } = this.line;
    if (operation === undefined) throw new UsageError('no operation specified');
    const run = await OPERATIONS[operation]();
    const engine = openEngine(this);
    try {
      const roots = new RootLinks(this, engine, this.addRoot);
      const args = this.readArguments(operation);
      if (!OPENS_NO_STORE.includes(operation)) await engine.learn(args);
      return await run(new OperationRun(this, engine, { flags, args, roots, printsResults: !this.noOutput }));
    } finally {
      await engine.close();
    }
  }

  private readArguments(operation: OperationName): string[] {
    const { stdin } = this.session;
    if (!this.stdin || stdin.isTerminal || ['import', 'restore', 'serve'].includes(operation)) return [...this.words];
    return [
      ...this.words,
      ...Buffer.from(stdin.readAll())
        .toString('utf8')
        .split(/\s+/)
        .filter((word) => word !== ''),
    ];
  }
}
