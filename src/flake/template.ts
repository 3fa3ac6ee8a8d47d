// `flake init` and `flake new`: what copying a template into a folder means, file by file. Nothing that is there is overwritten: the same
// content is skipped, other content is a conflict, and all else is copied all the same. Pure: engines carry the plan out.
// (Nix: CmdFlakeInitCommon in nix/flake.cc.)

import { compareStrings } from '../base/bytes.ts';
import { FloeError, FormatError } from '../base/errors.ts';
import type { FlakeTree } from './read.ts';

/** Where templates are looked for when no name is given, and what is put before one. */
export const TEMPLATE_PATHS: readonly string[] = ['templates.default', 'defaultTemplate'];
export const TEMPLATE_PREFIXES: readonly string[] = ['templates.'];

/** A tree whose folders can be listed. */
export interface TemplateTree extends FlakeTree {
  readDir(path: string): readonly { readonly name: string }[];
  isExecutable(path: string): boolean;
}

/** The folder that is copied into; absolute paths. */
export interface TemplateTarget {
  kind(path: string): 'regular' | 'directory' | 'symlink' | 'unknown' | undefined;
  readFile(path: string): string;
  readLink(path: string): string;
}

export type TemplateStep =
  | { readonly kind: 'folder'; readonly path: string }
  /** All that a folder holds was looked at; told as written, whether the folder was there or not. */
  | { readonly kind: 'folder-done'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly text: string; readonly executable: boolean }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  /** There already, and the same. `from` is the template's file, for the message. */
  | { readonly kind: 'identical'; readonly path: string; readonly from: string }
  | { readonly kind: 'conflict'; readonly path: string; readonly from: string };

/** All steps, in the order in which they are to be done: folders before what is in them, names sorted. */
export function planTemplate(tree: TemplateTree, templateFolder: string, destination: string, target: TemplateTarget): TemplateStep[] {
  const steps: TemplateStep[] = [];
  const copyFolder = (from: string, to: string): void => {
    const there = target.kind(to);
    if (there === undefined) steps.push({ kind: 'folder', path: to });
    else if (there === 'regular') throw new FormatError(`cannot copy a folder of the template to "${to}", which is a file`);
    const names = tree.readDir(from).map(({ name }) => name);
    for (const name of names.sort(compareStrings)) copyEntry(`${from}/${name}`, to === '/' ? `/${name}` : `${to}/${name}`);
  };
  const copyEntry = (from: string, to: string): void => {
    const kind = tree.kind(from);
    if (kind === 'directory') {
      copyFolder(from, to);
      steps.push({ kind: 'folder-done', path: to });
      return;
    }
    if (kind !== 'regular' && kind !== 'symlink') {
      throw new FormatError(`path '${from}' needs to be a symlink, file, or directory but instead is of another kind`);
    }
    const there = target.kind(to);
    if (there !== undefined) {
      const same =
        kind === 'regular'
          ? there === 'regular' && target.readFile(to) === tree.readFile(from)
          : there === 'symlink' && target.readLink(to) === tree.readLink(from);
      steps.push({ kind: same ? 'identical' : 'conflict', path: to, from });
    } else if (kind === 'regular') steps.push({ kind: 'file', path: to, text: tree.readFile(from), executable: tree.isExecutable(from) });
    else steps.push({ kind: 'link', path: to, target: tree.readLink(from) });
  };
  copyFolder(templateFolder, destination);
  return steps;
}

/** What is printed for a step; undefined for folders. `describe` names a file of the template. */
export function describeTemplateStep(
  step: TemplateStep,
  describe: (path: string) => string,
): { readonly level: 'notice' | 'error'; readonly message: string } | undefined {
  switch (step.kind) {
    case 'folder':
      return undefined;
    case 'identical':
      return { level: 'notice', message: `skipping identical file: ${describe(step.from)}` };
    case 'conflict':
      return {
        level: 'error',
        message: `refusing to overwrite existing file "${step.path}"\n please merge it manually with '${describe(step.from)}'`,
      };
    default:
      return { level: 'notice', message: `wrote: "${step.path}"` };
  }
}

/** The error after all else was copied; undefined where nothing was in the way. */
export function templateConflicts(steps: readonly TemplateStep[]): FloeError | undefined {
  const conflicts = steps.filter(({ kind }) => kind === 'conflict');
  if (conflicts.length === 0) return undefined;
  return new FloeError('FLOE_TEMPLATE_CONFLICT', `encountered ${conflicts.length} conflicts - see above`, {
    data: { paths: conflicts.map(({ path }) => path) },
  });
}
