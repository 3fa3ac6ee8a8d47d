// Names become frames and slots as the opening of ast.ts says: each variable of an expression, in the order it stands in the tree.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bind, type OuterFrames } from '../../src/lang/bind.ts';
import { NodeKind, VarScope, type AttrName, type Attrs, type Node, type Var } from '../../src/lang/ast.ts';
import { parse } from '../../src/lang/parser.ts';
import { stringSource } from '../../src/lang/position.ts';

const GLOBALS = new Set(['true', 'map']);

function showVar(node: Var): string {
  if (node.scope === VarScope.Local) return `${node.name}=${node.depth}.${node.slot}`;
  if (node.scope === VarScope.Global) return `${node.name}=global`;
  const hops = [node.depth];
  for (let scope = node.withNode!; scope.outer !== null; scope = scope.outer) hops.push(hops.at(-1)! + scope.outerHops);
  return `${node.name}=with ${hops.join(' ')}`;
}

/** Every variable of the tree with its place. */
function listVars(root: Node): string[] {
  const found: string[] = [];
  const path = (names: readonly AttrName[]): void => names.forEach((name) => typeof name !== 'string' && visit(name));
  const attrs = (node: Attrs): void => {
    node.inheritFrom.forEach(visit);
    node.attrs.forEach((def) => visit(def.value));
    node.dynamic.forEach((def) => {
      visit(def.name);
      visit(def.value);
    });
  };
  const visit = (node: Node): void => {
    switch (node.kind) {
      case NodeKind.Var:
        return void found.push(showVar(node));
      case NodeKind.InheritFrom:
        return void found.push(`from=0.${node.slot}`);
      case NodeKind.Select:
        visit(node.subject);
        path(node.path);
        return node.fallback === null ? undefined : visit(node.fallback);
      case NodeKind.Attrs:
        return attrs(node);
      case NodeKind.List:
        return node.items.forEach(visit);
      case NodeKind.Lambda:
        node.formals?.forEach((formal) => formal.fallback && visit(formal.fallback));
        return visit(node.body);
      case NodeKind.Call:
        visit(node.callee);
        return node.args.forEach(visit);
      case NodeKind.Let:
        attrs(node.attrs);
        return visit(node.body);
      case NodeKind.With:
        visit(node.set);
        return visit(node.body);
    }
  };
  visit(root);
  return found;
}

function check(text: string, expected: string, outer: OuterFrames = []): void {
  const source = stringSource(text);
  const { root } = parse(source);
  bind(root, source, GLOBALS, { outer });
  assert.equal(listVars(root).join(', '), expected, text);
}

test('functions', () => {
  check('x: y: [ x y ]', 'x=1.1, y=0.1');
  check('{ a, b ? a }: [ a b ]', 'a=0.1, a=0.1, b=0.2');
  check('args@{ a, b ? args }: [ args a b ]', 'args=0.1, args=0.1, a=0.2, b=0.3');
  check('x: { x ? map }: x', 'map=global, x=0.1');
});

test('let and rec', () => {
  check('let a = b; b = x: a; in a', 'b=0.2, a=1.1, a=0.1');
  check('rec { a = b; b = { c = a; }; }', 'b=0.2, a=0.1');
  check('x: rec { ${x} = y; y = x; }', 'x=1.1, x=1.1, y=0.1');
  check('true: let true = 1; in true', 'true=0.1');
});

test('inherit', () => {
  check('x: let inherit x; in x', 'x=0.1, x=0.1');
  check('x: rec { inherit x; y = x; }', 'x=0.1, x=0.1');
  check('x: { inherit x map; }', 'x=0.1, map=global');
  check('x: { inherit (x) a; inherit (x) b; }', 'x=0.1, x=0.1, from=0.1, from=0.2');
  check('x: let y = 1; inherit (x y) a; inherit (a) b; in b', 'x=1.1, y=0.1, a=0.2, from=0.4, from=0.5, b=0.3');
  check(
    'x: { a = { inherit (x) b; }; a = { inherit (x) c d; inherit (x) e; }; }',
    'x=0.1, x=0.1, x=0.1, from=0.1, from=0.2, from=0.2, from=0.3',
  );
});

test('with', () => {
  check('x: with x; [ x y map ]', 'x=0.1, x=1.1, y=with 0, map=global');
  check('x: with x; y: with y; z: w', 'x=0.1, y=0.1, w=with 1 3');
  check('x: with x; rec { inherit y; z = y; w = v; }', 'x=0.1, y=with 0, y=0.1, v=with 1');
});

test('frames from outside', () => {
  check('x: [ a b c ]', 'a=2.1, b=1.1, c=1.2', [
    ['a', 'b'],
    ['b', 'c'],
  ]);
});

test('undefined variables are errors with their place', () => {
  for (const [text, name, column] of [
    ['x: y', 'y', 4],
    ['let inherit a; in a', 'a', 13],
    ['{ a = 1; b = a; }', 'a', 14],
    ['{ x ? y }: with x; y', 'y', 7],
    ['{ inherit "a b"; }', '"a b"', 11],
  ] as const) {
    const source = stringSource(text);
    assert.throws(() => bind(parse(source).root, source, GLOBALS), {
      code: 'FLOE_UNDEFINED_VARIABLE',
      message: `undefined variable '${name}'`,
      position: { file: '«string»', line: 1, column, source: text },
    });
  }
});
