// From a lock file and the trees behind its nodes to the value of a flake. Inputs are fetched and evaluated only when something looks
// at them. What a flake's value holds: Nix manual, "nix flake", "Flake format"; libflake/call-flake.nix.

import { splitStorePath } from '../model/store-path.ts';
import { type Attrs, AttrsBuilder, EMPTY_ATTRS } from './attrs.ts';
import { Builtin, type BuiltinDefinition } from './builtin.ts';
import { callFunction } from './call.ts';
import { forceAttrs } from './coerce.ts';
import type { InputAttrs, LockedFlakeInfo } from './host.ts';
import { NO_POSITION } from './position.ts';
import type { EvalState } from './state.ts';
import { contextOf, opaqueElement } from './string-context.ts';
import { internSymbol, symbolName } from './symbol.ts';
import { force, isString, makeString, stringText, type Slot, type Value } from './value.ts';
import { treeValue } from './builtins/fetchers.ts';

/** A function of the lock file's text, the trees at hand by node, a function that fetches a locked tree, and nodes that are known already. */
const CALL_FLAKE = `lockText: overrides: fetchLocked: known:

let

  lock = builtins.fromJSON lockText;

  # An input is the key of a node, or a path to follow from the root.
  keyOf = input: if builtins.isList input then follow lock.root input else input;
  follow = builtins.foldl' (key: name: keyOf lock.nodes.\${key}.inputs.\${name});

  below = folder: path: if path == "" then folder else folder + "/" + path;

  callNode = key: node:
    let
      isGiven = overrides ? \${key};
      isRelative = !isGiven && node.locked.type or null == "path" && builtins.substring 0 1 node.locked.path != "/";
      parent = nodes.\${follow lock.root node.parent};

      sourceInfo =
        if isGiven then overrides.\${key}.sourceInfo
        else if isRelative then parent.sourceInfo
        else fetchLocked (node.info or { } // removeAttrs node.locked [ "dir" ]);

      outPath =
        if isRelative then below parent.outPath node.locked.path
        else below sourceInfo.outPath (overrides.\${key}.dir or node.locked.dir or "");

      flake = import (outPath + "/flake.nix");
      inputs = builtins.mapAttrs (name: input: nodes.\${keyOf input}.result) (node.inputs or { });
      outputs = flake.outputs (inputs // { self = result; });
      result = outputs // sourceInfo // {
        inherit outPath inputs outputs sourceInfo;
        _type = "flake";
      };
    in
    {
      inherit outPath sourceInfo;
      result =
        if node.flake or true then assert builtins.isFunction flake.outputs; result
        else sourceInfo // { inherit sourceInfo outPath; };
    };

  nodes = builtins.mapAttrs (key: node: known.\${key} or (callNode key node)) lock.nodes;

in

{ inherit nodes; inherit (nodes.\${lock.root}) result; }
`;

// NIX: the names of C++ Nix's own file, which become symbols when the first flake is called; see symbols in symbol.ts.
const NAMES =
  'lockFile lockFileStr resolveInput inputSpec getInputByPath root path nodeName nodes inputs allNodes hasOverride overrides key isRelative ' +
  'node locked parentNode parent sourceInfo fetchTreeFinal info subdir dir flake result inputName self _type';

const WRAPPER = Symbol('function that makes values of flakes');

const fetchLocked: BuiltinDefinition = {
  name: 'fetchFinalTree',
  args: ['input'],
  text: 'Fetches the locked tree of a lock file’s node. Not in scope of programs.',
  run(state, pos, slot) {
    const attrs = forceAttrs(state, slot!, pos, "while evaluating the argument passed to 'fetchTree'");
    const input: Record<string, InputAttrs[string]> = {};
    attrs.keys().forEach((symbol, i) => {
      const value = force(attrs.slots()[i]!, attrs.positionAt(i));
      if (isString(value)) input[symbolName(symbol)] = stringText(value);
      else if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') input[symbolName(symbol)] = value;
    });
    const [tree] = state.host.fetchTrees([{ attrs: { ...input, __final: true }, kind: 'tree' }]);
    state.kept?.noteTree(state.host, tree!.storePath, input);
    return treeValue(state, tree!, String(input['type']), false);
  },
};

/** The `sourceInfo` of a node whose tree is at hand. */
function sourceInfoOf(state: EvalState, info: LockedFlakeInfo['overrides'][string]['sourceInfo']): Attrs {
  const { storeDir } = state.host.constants;
  const builder = new AttrsBuilder();
  for (const [name, value] of Object.entries(info)) builder.setName(name, value);
  const inStore = splitStorePath(info.outPath, storeDir);
  if (inStore !== undefined) builder.setName('outPath', makeString(info.outPath, contextOf(opaqueElement(inStore.storePath))));
  return builder.build();
}

/** The value of a locked flake. */
export function callFlake(state: EvalState, info: LockedFlakeInfo): Value {
  const { lockFile, overrides } = info;
  const given = new AttrsBuilder();
  for (const [key, { sourceInfo, dir }] of Object.entries(overrides)) {
    internSymbol('sourceInfo');
    given.setName(key, new AttrsBuilder().setName('sourceInfo', sourceInfoOf(state, sourceInfo)).setName('dir', dir).build());
  }
  const wrapper = state.cache(WRAPPER, () => {
    NAMES.split(' ').forEach(internSymbol);
    return state.evalText(CALL_FLAKE, '/', '«flakes-internal»/call-flake.nix');
  });
  const opened = state.kept?.openFlake(state, info);
  const args: Slot[] = [lockFile, given.build(), new Builtin('fetchFinalTree', fetchLocked, state), opened?.known ?? EMPTY_ATTRS];
  const called = callFunction(state, wrapper, args, NO_POSITION) as Attrs;
  opened?.note(force(called.get(internSymbol('nodes'))!) as Attrs);
  return force(called.get(internSymbol('result'))!);
}
