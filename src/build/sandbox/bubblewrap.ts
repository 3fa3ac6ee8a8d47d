// Starting a builder with bubblewrap. Its options for namespaces are in machine.ts, where they are tried out first. Two things differ
// from C++ Nix's sandbox because bubblewrap makes /dev itself: a link /dev/core, and /dev/ptmx being a relative link.

import { existsSync, writeFileSync } from 'node:fs';
import { utf8ToByteString } from '../../base/bytes.ts';
import { type BubblewrapAbility, bubblewrapNamespaces } from './machine.ts';
import { makeInputMountPoints, type SandboxJob } from './root-folder.ts';
import { checkEnvName, personalityWords, processLimits, quotePath, quoteShell, runScript } from './run-script.ts';
import type { BuilderCommand, RunningBuilder } from './sandbox.ts';

/** Runs the builder of a prepared job. */
export // ---- bubblewrap

function startBubblewrap(job: SandboxJob, ability: BubblewrapAbility, command: BuilderCommand): RunningBuilder {
  const { request, settings, programs, root } = job;
  const level = { ...ability.isolation, network: ability.isolation.network && !request.network };
  const inside = (target: string) => target.slice(root.length);
  const words = [
    ...bubblewrapNamespaces(level),
    ...['--bind', utf8ToByteString(root), '/'],
    ...(level.processes ? ['--proc', '/proc'] : ['--bind', '/proc', '/proc']),
    ...['--dev', '/dev', '--perms', '1777', '--tmpfs', '/dev/shm'],
    ...(request.kvm && existsSync('/dev/kvm') ? ['--dev-bind', '/dev/kvm', '/dev/kvm'] : []),
    ...makeInputMountPoints(job, request.realStoreDir).flatMap(([source, target]) => [
      '--ro-bind',
      utf8ToByteString(source),
      utf8ToByteString(inside(target)),
    ]),
    ...job.paths.flatMap(({ target, source }) => [
      target === settings.sandboxBuildDir ? '--bind' : '--dev-bind',
      ...[source, target].map(utf8ToByteString),
    ]),
    ...['--chdir', settings.sandboxBuildDir, '--clearenv'],
    ...[...command.env].flatMap(([name, value]) => ['--setenv', checkEnvName(name), value]),
    ...(ability.namesProgram ? ['--argv0', command.program.slice(command.program.lastIndexOf('/') + 1)] : []),
  ];
  const wordFile = `${request.folder}/bwrap`;
  writeFileSync(wordFile, words.map((word) => `${word}\0`).join(''), { encoding: 'latin1', mode: 0o600 });
  const line = [
    ...personalityWords(programs, request.system, settings.impersonateLinux26),
    ...[
      utf8ToByteString(programs.bwrap!),
      '--json-status-fd',
      '3',
      '--args',
      '8',
      ...(job.filter === undefined ? [] : ['--seccomp', '9']),
      '--',
    ],
    ...[command.program, ...command.args],
  ].map(quoteShell);
  const script = [
    ...processLimits(settings),
    `exec ${line.join(' ')} 8<${quotePath(wordFile)} ${job.filter === undefined ? '' : `9<${quotePath(job.filter)}`}`,
  ];
  // bubblewrap reports an exit code only for a program that it has really become.
  return runScript(`${request.folder}/run`, script, command.output, (status) => status.includes('"exit-code"'));
}
