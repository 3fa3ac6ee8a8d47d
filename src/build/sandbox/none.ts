// Builds without a sandbox, as C++ Nix does them with `sandbox = false`: the builder sees the whole machine and writes straight into
// the store. Its own session and process group, the limits, the personality and the system-call filter remain.

import { deleteTree } from '../../store/local/nar-files.ts';
import { makeFolder, writeFile } from '../host-files.ts';
import { canEnterRoot, ENTER_ROOT_PROGRAM, printEnterRootPlan } from './enter-root.ts';
import type { SandboxPrograms } from './machine.ts';
import { personalityWords, processLimits, quoteShell, runScript } from './run-script.ts';
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
    makeFolder(request.folder, 0o700);
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
    ].map(quoteShell);
    const script = [
      ...processLimits(settings),
      `cd ${quoteShell(request.buildDir)}`,
      ['exec', ...before, this.#lastWords(request, command)].join(' '),
    ];
    return runScript(request.folder, programs, script, (status) => status.includes('opened'));
  }

  #lastWords({ folder, buildDir }: SandboxRequest, command: BuilderCommand): string {
    const { perl, env } = this.#programs;
    const settings = this.#settings;
    if (perl === undefined || !canEnterRoot(process.arch)) {
      const variables = [...command.env].map(([name, value]) => quoteShell(`${name}=${value}`));
      return [quoteShell(env ?? '/usr/bin/env'), '-i', ...variables, ...[command.program, ...command.args].map(quoteShell), '3>&-'].join(
        ' ',
      );
    }
    const filter = settings.filterSyscalls ? assembleSyscallFilter(process.arch) : undefined;
    if (filter !== undefined) writeFile(`${folder}/filter`, filter, 0o600);
    const plan = printEnterRootPlan(
      {
        pivot: false,
        loopback: false,
        filter: filter === undefined ? undefined : `${folder}/filter`,
        noNewPrivileges: !settings.allowNewPrivileges,
        ids: undefined,
        folder: buildDir,
        env: command.env,
        program: command.program,
        args: command.args,
      },
      process.arch,
    );
    writeFile(`${folder}/plan`, plan, 0o600);
    writeFile(`${folder}/enter.pl`, ENTER_ROOT_PROGRAM, 0o600);
    return [perl, `${folder}/enter.pl`, `${folder}/plan`].map(quoteShell).join(' ');
  }
}
