// Starting a builder with bubblewrap. Its options for namespaces are in machine.ts, where they are tried out first. Two things differ
// from C++ Nix's sandbox because bubblewrap makes /dev itself: a link /dev/core, and /dev/ptmx being a relative link. And before
// bubblewrap 0.9 the builder's own name (argument 0) is its whole path instead of its base name.

import { exists, writeFile } from '../host-files.ts';
import { type BubblewrapAbility, bubblewrapNamespaces } from './machine.ts';
import { makeInputMountPoints, type SandboxJob } from './root-folder.ts';
import { checkEnvName, personalityWords, processLimits, quoteShell, runScript } from './run-script.ts';
import type { BuilderCommand, RunningBuilder } from './sandbox.ts';

/** Runs the builder of a prepared job. */
export function startBubblewrap(job: SandboxJob, ability: BubblewrapAbility, command: BuilderCommand): RunningBuilder {
  const { request, settings, programs, root, filter } = job;
  const level = { ...ability.isolation, network: ability.isolation.network && !request.network };
  const inside = (target: string) => target.slice(root.length);
  const words = [
    ...bubblewrapNamespaces(level),
    ...['--bind', root, '/'],
    ...(level.processes ? ['--proc', '/proc'] : ['--bind', '/proc', '/proc']),
    ...['--dev', '/dev', '--perms', '1777', '--tmpfs', '/dev/shm'],
    ...(request.kvm && exists('/dev/kvm') ? ['--dev-bind', '/dev/kvm', '/dev/kvm'] : []),
    ...makeInputMountPoints(job, request.realStoreDir).flatMap(([source, target]) => ['--ro-bind', source, inside(target)]),
    ...job.paths.flatMap(({ target, source }) => [target === settings.sandboxBuildDir ? '--bind' : '--dev-bind', source, target]),
    ...['--chdir', settings.sandboxBuildDir, '--clearenv'],
    ...[...command.env].flatMap(([name, value]) => ['--setenv', checkEnvName(name), value]),
    ...(ability.namesProgram ? ['--argv0', command.program.slice(command.program.lastIndexOf('/') + 1)] : []),
  ];
  const wordFile = `${request.folder}/bwrap`;
  writeFile(wordFile, words.map((word) => `${word}\0`).join(''), 0o600);
  const line = [
    ...(job.dropsGroups ? [programs.setpriv!, '--clear-groups', '--'] : []),
    ...personalityWords(programs, request.system, settings.impersonateLinux26),
    ...[programs.bwrap!, '--json-status-fd', '3', '--args', '8', ...(filter === undefined ? [] : ['--seccomp', '9']), '--'],
    ...[command.program, ...command.args],
  ].map(quoteShell);
  const files = [`8<${quoteShell(wordFile)}`, ...(filter === undefined ? [] : [`9<${quoteShell(filter)}`])];
  const script = [...processLimits(settings), ['exec', ...line, ...files].join(' ')];
  // bubblewrap reports an exit code only for a program that it has really become.
  return runScript(request.folder, programs, script, (status) => status.includes('"exit-code"'));
}
