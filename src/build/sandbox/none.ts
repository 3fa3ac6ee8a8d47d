// Builds without a sandbox, as C++ Nix does them with `sandbox = false`: the builder sees the whole machine and writes straight into
// the store. Its own session and process group, the limits, the personality and the system-call filter remain.

import { mkdirSync, writeFileSync } from 'node:fs';
import { utf8ToByteString } from '../../base/bytes.ts';
import { deleteTree } from '../delete-tree.ts';
import { canEnterRoot, ENTER_ROOT_PROGRAM, printEnterRootPlan } from './enter-root.ts';
import type { SandboxPrograms } from './machine.ts';
import { personalityWords, processLimits, quotePath, quoteShell, runScript } from './run-script.ts';
import type { BuilderCommand, PreparedSandbox, RunningBuilder, Sandbox, SandboxRequest, SandboxSettings } from './sandbox.ts';
import { assembleSyscallFilter } from './seccomp.ts';

/** No sandbox at all. */
export class NoSandbox implements Sandbox {
  readonly kind = 'none';
  readonly hidesStore = false;
  readonly #programs: SandboxPrograms;
  readonly #settings: SandboxSettings;

  constructor(programs: SandboxPrograms, settings: SandboxSettings) {
    this.#programs = programs;
    this.#settings = settings;
  }

  buildDirInside(buildDir: string): string {
    return buildDir;
  }

  prepare(request: SandboxRequest): PreparedSandbox {
    deleteTree(request.folder);
    mkdirSync(request.folder, { mode: 0o700 });
    return {
      hostPath: (path) => path,
      start: (command) => this.#start(request, command),
      dispose: () => deleteTree(request.folder),
    };
  }

  #start(request: SandboxRequest, command: BuilderCommand): RunningBuilder {
    const programs = this.#programs;
    const settings = this.#settings;
    const before = [
      ...(programs.setpriv === undefined ? [] : [programs.setpriv, '--pdeathsig', 'KILL', '--']),
      ...personalityWords(programs, request.system, settings.impersonateLinux26),
    ].map(quotePath);
    const script = [
      ...processLimits(settings),
      `cd ${quotePath(request.buildDir)}`,
      ['exec', ...before, this.#lastWords(request, command)].join(' '),
    ];
    return runScript(`${request.folder}/run`, script, command.output, () => true);
  }

  #lastWords({ folder, buildDir }: SandboxRequest, command: BuilderCommand): string {
    const { perl, env } = this.#programs;
    const settings = this.#settings;
    if (perl === undefined || !canEnterRoot(process.arch)) {
      const variables = [...command.env].map(([name, value]) => quoteShell(`${name}=${value}`));
      return [quotePath(env ?? '/usr/bin/env'), '-i', ...variables, ...[command.program, ...command.args].map(quoteShell), '3>&-'].join(
        ' ',
      );
    }
    const filter = settings.filterSyscalls ? assembleSyscallFilter(process.arch) : undefined;
    if (filter !== undefined) writeFileSync(`${folder}/filter`, filter, { mode: 0o600 });
    const plan = printEnterRootPlan(
      {
        pivot: false,
        loopback: false,
        filter: filter === undefined ? undefined : utf8ToByteString(`${folder}/filter`),
        noNewPrivileges: !settings.allowNewPrivileges,
        ids: undefined,
        folder: utf8ToByteString(buildDir),
        env: command.env,
        program: command.program,
        args: command.args,
      },
      process.arch,
    );
    writeFileSync(`${folder}/plan`, plan, { encoding: 'latin1', mode: 0o600 });
    writeFileSync(`${folder}/enter.pl`, ENTER_ROOT_PROGRAM, { mode: 0o600 });
    return [perl, `${folder}/enter.pl`, `${folder}/plan`].map(quotePath).join(' ');
  }
}
