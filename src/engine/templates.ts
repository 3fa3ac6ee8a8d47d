// Templates of flakes on this machine: the steps that flake/template.ts plans, done. nix/flake.cc, CmdFlakeInitCommon.

import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { byteStringToUtf8, bytesOf, utf8ToByteString } from '../base/bytes.ts';
import { EvalError } from '../base/errors.ts';
import { Attrs } from '../eval/attrs.ts';
import { coerceToPath, forceStringNoContext } from '../eval/coerce.ts';
import { NO_POSITION } from '../eval/position.ts';
import { ContextAccumulator } from '../eval/string-context.ts';
import { internSymbol, symbols } from '../eval/symbol.ts';
import {
  describeTemplateStep,
  planTemplate,
  TEMPLATE_PATHS,
  TEMPLATE_PREFIXES,
  templateConflicts,
  type TemplateStep,
} from '../flake/template.ts';
import { nodeIo } from '../io/node.ts';
import { parseFlakeRefWithFragment } from '../model/flake-ref.ts';
import type { Engine } from './engine.ts';
import { DiskTree } from './host-tree.ts';
import { FlakeTarget } from './installables.ts';

/**
 * Copies a template into a folder, without overwriting anything. FloeError at the end where files were in the way. `renderMarkdown` makes
 * its words of welcome fit to be shown (byte strings).
 */
export async function copyTemplate(
  engine: Engine,
  url: string,
  destination: string,
  renderMarkdown: (text: string) => string,
): Promise<void> {
  const { ref, fragment } = parseFlakeRefWithFragment(utf8ToByteString(url), { paths: engine.flakes.pathResolver() });
  const flake = await engine.flakes.lock(ref, { writeLockFile: false });
  const evaluation = engine.evaluation();
  const target = new FlakeTarget(engine, flake, ref, fragment, undefined, { paths: TEMPLATE_PATHS, prefixes: TEMPLATE_PREFIXES });
  const { value, attrPath } = target.value();
  const { state } = evaluation.evaluator;
  const { host } = evaluation;
  const { folder, welcome } = evaluation.evaluator.guard(() => {
    const slot = value instanceof Attrs ? value.get(symbols.path) : undefined;
    if (!(value instanceof Attrs) || slot === undefined) throw new EvalError(`attribute '${attrPath}.path' does not exist`);
    const text = value.get(internSymbol('welcomeText'));
    return {
      folder: coerceToPath(state, NO_POSITION, slot, new ContextAccumulator(), ''),
      welcome:
        text === undefined ? undefined : forceStringNoContext(state, text, NO_POSITION, "while evaluating the 'welcomeText' of a template"),
    };
  });
  const tree = {
    kind: (path: string) => host.pathKind(path),
    readFile: (path: string) => host.readFile(path),
    readLink: (path: string) => host.readLink(path),
    readDir: (path: string) => host.readDir(path),
    isExecutable: (path: string) => host.isExecutable(path),
  };
  const disk = new DiskTree('');
  const steps = planTemplate(tree, folder, utf8ToByteString(destination), disk);
  for (const step of steps) {
    takeStep(step);
    const said = describeTemplateStep(step, (path) => path);
    if (said !== undefined) engine.progress.log(said.level, byteStringToUtf8(said.message));
  }
  addToGit(destination, steps);
  if (welcome !== undefined) {
    engine.progress.log('notice', '\n');
    engine.progress.log('notice', byteStringToUtf8(renderMarkdown(welcome)));
  }
  const conflicts = templateConflicts(steps);
  if (conflicts) throw conflicts;
}

function takeStep(step: TemplateStep): void {
  const path = byteStringToUtf8(step.path);
  switch (step.kind) {
    case 'folder':
      fs.mkdirSync(path, { recursive: true });
      break;
    case 'file':
      fs.mkdirSync(dirname(path), { recursive: true });
      // Never over something that came meanwhile.
      fs.writeFileSync(path, bytesOf(step.text), { flag: 'wx', mode: step.executable ? 0o777 : 0o666 });
      break;
    case 'link':
      fs.symlinkSync(byteStringToUtf8(step.target), path);
      break;
  }
}

/** New files are told to git, which otherwise hides them from the flake. */
function addToGit(destination: string, steps: readonly TemplateStep[]): void {
  const written = steps
    .filter(({ kind }) => kind === 'file' || kind === 'link' || kind === 'folder-done')
    .map(({ path }) => byteStringToUtf8(path));
  if (written.length === 0 || !fs.existsSync(join(destination, '.git'))) return;
  nodeIo().processes.run('git', ['-C', destination, 'add', '--intent-to-add', '--force', '--', ...written]);
}
