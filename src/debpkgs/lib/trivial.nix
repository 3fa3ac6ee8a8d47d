# Functions about nothing in particular, and builtins under their usual names.
{ lib }:
{
  inherit (builtins) add addErrorContext deepSeq fromJSON genericClosure isBool isFloat isInt lessThan pathExists readFile seq sub trace tryEval typeOf;
  isFunction = f: builtins.isFunction f || (f ? __functor && builtins.isFunction (f.__functor f));
  isPath = builtins.isPath;
  id = x: x;
  const = x: _: x;
  flip = f: a: b: f b a;
  pipe = builtins.foldl' (value: f: f value);
  concat = a: b: a ++ b;
  or = a: b: a || b;
  and = a: b: a && b;
  boolToString = b: if b then "true" else "false";
  boolToYesNo = b: if b then "yes" else "no";
  mergeAttrs = a: b: a // b;
  min = a: b: if a < b then a else b;
  max = a: b: if a > b then a else b;
  mod = base: int: base - int * (builtins.div base int);
  compare = a: b: if a < b then -1 else if a > b then 1 else 0;
  defaultTo = default: value: if value == null then default else value;
  mapNullable = f: value: if value == null then null else f value;
  importJSON = path: builtins.fromJSON (builtins.readFile path);
  importTOML = path: builtins.fromTOML (builtins.readFile path);
  warn = builtins.warn or (message: builtins.trace "warning: ${message}");
  warnIf = condition: message: if condition then lib.warn message else lib.id;
  warnIfNot = condition: lib.warnIf (!condition);
  throwIf = condition: message: if condition then throw message else lib.id;
  throwIfNot = condition: lib.throwIf (!condition);
  assertMsg = condition: message: condition || throw message;
  assertOneOf = name: value: values:
    lib.assertMsg (lib.elem value values) "${name} must be one of ${lib.concatMapStringsSep ", " lib.strings.escapeNixString values}, but is ${lib.strings.escapeNixString value}";
  setFunctionArgs = f: args: { __functor = _: f; __functionArgs = args; };
  functionArgs = f: if f ? __functor then f.__functionArgs or (lib.functionArgs (f.__functor f)) else builtins.functionArgs f;
  toFunction = value: if lib.isFunction value then value else _: value;
  fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  fakeSha256 = "0000000000000000000000000000000000000000000000000000000000000000";
  inPureEvalMode = !(builtins ? currentSystem);
}
