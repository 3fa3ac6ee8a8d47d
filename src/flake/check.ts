// `flake check`: whether the outputs of a flake have the shapes that their names promise. Nothing is built here; the derivations of
// `checks` are handed to whoever builds them. (Nix: CmdFlakeCheck in nix/flake.cc; its words.)

import { EvalError, FloeError } from '../base/errors.ts';
import type { Attrs } from '../eval/attrs.ts';
import { coerceToPath, forceAttrs, forceString, forceStringNoContext } from '../eval/coerce.ts';
import { isDerivation } from '../eval/equality.ts';
import { addFrame } from '../eval/error-position.ts';
import { NO_POSITION, type PositionId } from '../eval/position.ts';
import type { EvalState } from '../eval/state.ts';
import { ContextAccumulator } from '../eval/string-context.ts';
import { internSymbol, printSymbol, symbolName } from '../eval/symbol.ts';
import { describeType, force, Lambda, type Slot } from '../eval/value.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Parts } from './parts.ts';

export interface CheckOptions {
  readonly system: string;
  /** Look into outputs of other systems, too. */
  readonly allSystems: boolean;
}

/** Who does what needs more than values. */
export interface CheckHelper {
  /** The derivation's path; undefined where it has none, null where the value is no derivation. */
  derivation(slot: Slot): StorePath | undefined | null;
  /** A value along an attribute path. */
  select(slot: Slot, path: string): Slot;
  /** Tells what is being done while `run` does it. */
  during(text: string, run: () => void): void;
  note(text: string): void;
  warn(text: string): void;
  /** Throws the error, or notes it where the rest is to be checked all the same. */
  report(error: FloeError): void;
  /** Where other processes may help. */
  readonly parts: Pick<Parts<never>, 'expect' | 'part'>;
}

/** A derivation to be built, and the attribute of `checks` that has it. */
export interface FoundCheck {
  readonly attrPath: string;
  readonly derivation: StorePath;
}

export interface CheckResult {
  readonly checks: readonly FoundCheck[];
  readonly omittedSystems: readonly string[];
}

/** `path` is for messages, with names in quotes that are no identifiers; `name` is the last as it is. */
type Checker = (path: string, slot: Slot, pos: PositionId, name: string) => void;

interface Member {
  readonly name: string;
  /** In quotes where it is no identifier. */
  readonly shown: string;
  readonly slot: Slot;
  readonly pos: PositionId;
}

const REPLACEMENTS: Readonly<Record<string, string>> = {
  defaultPackage: 'packages.<system>.default',
  defaultApp: 'apps.<system>.default',
  defaultTemplate: 'templates.default',
  defaultBundler: 'bundlers.<system>.default',
  overlay: 'overlays.default',
  devShell: 'devShells.<system>.default',
  nixosModule: 'nixosModules.default',
};
/** Outputs that others than Nix have given a meaning. */
const UNCHECKED = new Set([
  ...['lib', 'darwinConfigurations', 'darwinModules', 'flakeModule', 'flakeModules', 'herculesCI', 'homeConfigurations', 'homeModule'],
  ...['homeModules', 'nixopsConfigurations'],
]);

/** Checks all outputs. */
export function checkFlake(state: EvalState, outputs: Slot, options: CheckOptions, helper: CheckHelper): CheckResult {
  return new Check(state, options, helper).run(outputs);
}

function fail(message: string): never {
  throw new FloeError('FLOE_FLAKE_CHECK', message);
}

class Check {
  private readonly state: EvalState;
  private readonly options: CheckOptions;
  private readonly helper: CheckHelper;
  private readonly checks: FoundCheck[] = [];
  private readonly omitted = new Set<string>();
  private readonly outputs: Readonly<Record<string, Checker>>;
  /** The system that is checked, or the configuration. */
  private group = '';

  constructor(state: EvalState, options: CheckOptions, helper: CheckHelper) {
    this.state = state;
    this.options = options;
    this.helper = helper;
    const derivation: Checker = (path, slot, pos) => void this.derivation(path, slot, pos);
    const [app, bundler] = [this.app.bind(this), this.bundler.bind(this)];
    const [overlay, module, template] = [this.overlay.bind(this), this.module.bind(this), this.template.bind(this)];
    this.outputs = {
      checks: this.bySystem(this.byPart(this.check.bind(this))),
      formatter: this.bySystem(derivation),
      packages: this.bySystem(this.byPart(derivation)),
      devShells: this.bySystem(this.byPart(derivation)),
      apps: this.bySystem(this.byPart(app)),
      defaultPackage: this.bySystem(derivation),
      devShell: this.bySystem(derivation),
      defaultApp: this.bySystem(app),
      legacyPackages: this.bySystem(() => {}),
      overlay,
      overlays: this.byName(overlay),
      nixosModule: module,
      nixosModules: this.byName(module),
      nixosConfigurations: this.configurations.bind(this),
      hydraJobs: this.hydraJobs.bind(this),
      defaultTemplate: template,
      templates: this.byName(template),
      defaultBundler: this.bySystem(bundler),
      bundlers: this.bySystem(this.byName(bundler)),
    };
  }

  run(outputs: Slot): CheckResult {
    const set = forceAttrs(this.state, outputs, NO_POSITION, 'while evaluating the outputs of a flake');
    const members = this.members(set);
    // NIX: hydraJobs comes first.
    const isJobs = ({ name }: { name: string }) => name === 'hydraJobs';
    for (const { name, slot, pos } of [...members.filter(isJobs), ...members.filter((one) => !isJobs(one))]) {
      this.helper.during(`checking flake output '${name}'`, () => this.output(name, slot, pos));
    }
    return { checks: this.checks, omittedSystems: [...this.omitted].sort() };
  }

  /** NIX: in the order of symbols, that is of first sight of the names. */
  private members(set: Attrs): Member[] {
    return set.keys().map((symbol, i) => ({
      name: symbolName(symbol),
      shown: printSymbol(symbol),
      slot: set.slots()[i]!,
      pos: set.positionAt(i),
    }));
  }

  /** Runs a check; an error in it gets a frame and is reported. */
  private guarded(frame: string, pos: PositionId, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      this.helper.report(addFrame(error, pos, frame));
    }
  }

  private output(name: string, slot: Slot, pos: PositionId): void {
    this.guarded(`while checking flake output '${name}'`, pos, () => {
      force(slot, pos);
      const replacement = Object.hasOwn(REPLACEMENTS, name) ? REPLACEMENTS[name] : undefined;
      if (replacement !== undefined) this.helper.warn(`flake output attribute '${name}' is deprecated; use '${replacement}' instead`);
      if (Object.hasOwn(this.outputs, name)) this.outputs[name]!(name, slot, pos, name);
      else if (!UNCHECKED.has(name)) this.helper.warn(`unknown flake output '${name}'`);
    });
  }

  private byName(check: Checker): Checker {
    return (path, slot, pos) => {
      for (const one of this.members(forceAttrs(this.state, slot, pos, ''))) check(`${path}.${one.shown}`, one.slot, one.pos, one.name);
    };
  }

  /** The same where each is a part. */
  private byPart(check: Checker): Checker {
    return (path, slot, pos) => {
      const members = this.members(forceAttrs(this.state, slot, pos, ''));
      this.helper.parts.expect(this.group, members.length);
      for (const one of members) check(`${path}.${one.shown}`, one.slot, one.pos, one.name);
    };
  }

  /** Each is a world of its own. */
  private configurations(path: string, slot: Slot, pos: PositionId): void {
    const members = this.members(forceAttrs(this.state, slot, pos, ''));
    for (const { shown } of members) this.helper.parts.expect(`${path}.${shown}`, 1);
    for (const one of members) {
      this.group = `${path}.${one.shown}`;
      this.nixosConfiguration(this.group, one.slot, one.pos);
    }
    this.group = '';
  }

  private bySystem(check: Checker): Checker {
    return (path, slot, pos) => {
      const members = this.members(forceAttrs(this.state, slot, pos, ''));
      const isChecked = (name: string): boolean => this.options.allSystems || name === this.options.system;
      for (const { name } of members) if (isChecked(name)) this.helper.parts.expect(name, 0);
      for (const one of members) {
        if (!one.name.includes('-')) {
          const place = this.state.positions.resolve(one.pos);
          const where = place === undefined ? '«none»' : `${place.file}:${place.line}:${place.column}`;
          this.helper.report(new FloeError('FLOE_FLAKE_CHECK', `'${one.name}' is not a valid system type, at ${where}`));
        }
        this.group = one.name;
        if (isChecked(one.name)) check(`${path}.${one.shown}`, one.slot, one.pos, one.name);
        else this.omitted.add(one.name);
      }
      this.group = '';
    };
  }

  private derivation(path: string, slot: Slot, pos: PositionId): StorePath | undefined {
    return this.helper.parts.part(this.group, path, undefined, () => this.evaluatedDerivation(path, slot, pos));
  }

  private evaluatedDerivation(path: string, slot: Slot, pos: PositionId): StorePath | undefined {
    let found: StorePath | undefined;
    this.guarded(`while checking the derivation '${path}'`, pos, () =>
      this.helper.during(`checking derivation ${path}`, () => {
        const derivation = this.helper.derivation(slot);
        if (derivation === null) fail(`flake attribute '${path}' is not a derivation`);
        if (derivation !== undefined) this.helper.note(`derivation evaluated to ${this.state.host.constants.storeDir}/${derivation}`);
        found = derivation;
      }),
    );
    return found;
  }

  private check(path: string, slot: Slot, pos: PositionId, name: string): void {
    const derivation = this.derivation(path, slot, pos);
    const { system } = this.options;
    if (derivation !== undefined && this.group === system) this.checks.push({ attrPath: `checks.${system}.${name}`, derivation });
  }

  private text(set: Attrs, name: string): string | undefined {
    const symbol = internSymbol(name);
    const slot = set.get(symbol);
    return slot === undefined ? undefined : forceStringNoContext(this.state, slot, set.position(symbol), '');
  }

  private onlyThese(what: string, path: string, set: Attrs, known: readonly string[]): void {
    for (const { name } of this.members(set)) if (!known.includes(name)) fail(`${what} '${path}' has unsupported attribute '${name}'`);
  }

  private app(path: string, slot: Slot, pos: PositionId): void {
    this.helper.parts.part(this.group, path, undefined, () => this.evaluatedApp(path, slot, pos));
  }

  private evaluatedApp(path: string, slot: Slot, pos: PositionId): undefined {
    this.guarded(`while checking the app definition '${path}'`, pos, () =>
      this.helper.during(`checking app '${path}'`, () => {
        const app = forceAttrs(this.state, slot, pos, '');
        if (this.text(app, 'type') === undefined) fail(`app '${path}' lacks attribute 'type'`);
        const program = app.get(internSymbol('program'));
        if (program === undefined) fail(`app '${path}' lacks attribute 'program'`);
        forceString(this.state, program, app.position(internSymbol('program')), '');
        const meta = app.get(internSymbol('meta'));
        if (meta === undefined) this.helper.warn(`app '${path}' lacks attribute 'meta'`);
        else if (this.text(forceAttrs(this.state, meta, app.position(internSymbol('meta')), ''), 'description') === undefined) {
          this.helper.warn(`app '${path}' lacks attribute 'meta.description'`);
        }
        this.onlyThese('app', path, app, ['type', 'program', 'meta']);
      }),
    );
  }

  private overlay(path: string, slot: Slot, pos: PositionId): void {
    this.guarded(`while checking the overlay '${path}'`, pos, () =>
      this.helper.during(`checking overlay '${path}'`, () => {
        const overlay = force(slot, pos);
        if (!(overlay instanceof Lambda)) fail(`overlay is not a function, but ${describeType(overlay)} instead`);
        const { formals, parameterName } = overlay.code;
        if (formals !== null || !['final', '_', '_final'].includes(parameterName ?? ''))
          fail("overlay does not take an argument named 'final'");
      }),
    );
  }

  private module(path: string, slot: Slot, pos: PositionId): void {
    this.guarded(`while checking the NixOS module '${path}'`, pos, () =>
      this.helper.during(`checking NixOS module '${path}'`, () => void force(slot, pos)),
    );
  }

  private hydraJobs(path: string, slot: Slot, pos: PositionId): void {
    this.guarded(`while checking the Hydra jobset '${path}'`, pos, () =>
      this.helper.during(`checking Hydra job '${path}'`, () => {
        const jobs = forceAttrs(this.state, slot, pos, '');
        if (isDerivation(jobs)) fail('jobset should not be a derivation at top-level');
        for (const job of this.members(jobs)) {
          // NIX: names of jobs get no quotes.
          const below = `${path}.${job.name}`;
          if (isDerivation(forceAttrs(this.state, job.slot, job.pos, ''))) {
            this.helper.during(`checking Hydra job '${below}'`, () => void this.derivation(below, job.slot, job.pos));
          } else this.hydraJobs(below, job.slot, job.pos);
        }
      }),
    );
  }

  private nixosConfiguration(path: string, slot: Slot, pos: PositionId): void {
    this.helper.parts.part(this.group, path, undefined, () => this.evaluatedConfiguration(path, slot, pos));
  }

  private evaluatedConfiguration(path: string, slot: Slot, pos: PositionId): undefined {
    this.guarded(`while checking the NixOS configuration '${path}'`, pos, () =>
      this.helper.during(`checking NixOS configuration '${path}'`, () => {
        const toplevel = force(this.helper.select(slot, 'config.system.build.toplevel'), pos);
        if (!isDerivation(toplevel)) fail("attribute 'config.system.build.toplevel' is not a derivation");
      }),
    );
  }

  private template(path: string, slot: Slot, pos: PositionId): void {
    this.guarded(`while checking the template '${path}'`, pos, () =>
      this.helper.during(`checking template '${path}'`, () => {
        const { state } = this;
        const template = forceAttrs(state, slot, pos, '');
        const symbol = internSymbol('path');
        const folder = template.get(symbol);
        if (folder === undefined) fail(`template '${path}' lacks attribute 'path'`);
        const place = coerceToPath(state, template.position(symbol), folder, new ContextAccumulator(), '');
        if (state.host.pathKind(place) === undefined) {
          throw new EvalError(`template '${path}' refers to a non-existent path '${state.host.showPath?.(place) ?? place}'`);
        }
        if (this.text(template, 'description') === undefined) fail(`template '${path}' lacks attribute 'description'`);
        this.onlyThese('template', path, template, ['path', 'description', 'welcomeText']);
      }),
    );
  }

  private bundler(path: string, slot: Slot, pos: PositionId): void {
    // NIX: this frame speaks of templates, too.
    this.guarded(`while checking the template '${path}'`, pos, () =>
      this.helper.during(`checking bundler '${path}'`, () => {
        if (!(force(slot, pos) instanceof Lambda)) fail('bundler must be a function');
      }),
    );
  }
}
