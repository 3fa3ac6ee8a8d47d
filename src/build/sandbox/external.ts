// Builds that another program runs (`external-builders`): it is told in a JSON file what to build and where the outputs belong, and
// may do that in a virtual machine or an emulator. libstore/unix/build/external-derivation-builder.cc, whose JSON this is.

import { type Json, printJson } from '../../base/canonical-json.ts';
import { writeFile } from '../host-files.ts';
import type { BuilderCommand, PreparedSandbox, RunningBuilder, Sandbox, SandboxRequest } from './sandbox.ts';

/** A program that builds derivations of other systems. */
export interface ExternalBuilder {
  readonly systems: readonly string[];
  readonly program: string;
  readonly args: readonly string[];
}

const BUILD_DIR = '/build';

/** Hands builds to an external builder, which runs as builds without a sandbox do. */
export class ExternalSandbox implements Sandbox {
  readonly kind = 'external';
  readonly hidesStore = false;
  readonly #builder: ExternalBuilder;
  readonly #plain: Sandbox;
  readonly #env: ReadonlyMap<string, string>;

  /** `env`: the environment of the external builder itself. */
  constructor(builder: ExternalBuilder, plain: Sandbox, env: ReadonlyMap<string, string>) {
    this.#builder = builder;
    this.#plain = plain;
    this.#env = env;
  }

  buildDirInside(): string {
    return BUILD_DIR;
  }

  prepare(request: SandboxRequest): PreparedSandbox {
    const prepared = this.#plain.prepare(request);
    return {
      hostPath: (path) => prepared.hostPath(path),
      start: (command) => this.#start(request, prepared, command),
      dispose: () => prepared.dispose(),
    };
  }

  #start(request: SandboxRequest, prepared: PreparedSandbox, command: BuilderCommand): RunningBuilder {
    const file = `${request.folder}/build.json`;
    const json: Json = {
      version: 1,
      builder: command.program,
      args: command.args,
      env: command.env,
      topTmpDir: request.folder,
      tmpDir: request.buildDir,
      tmpDirInSandbox: BUILD_DIR,
      storeDir: request.storeDir,
      realStoreDir: request.realStoreDir,
      system: request.system,
      inputPaths: request.inputs.map((path) => `${request.storeDir}/${path}`),
      outputs: request.outputs ?? new Map(),
    };
    writeFile(file, printJson(json));
    const { program, args } = this.#builder;
    return prepared.start({ program, args: [...args, file], env: this.#env });
  }
}
