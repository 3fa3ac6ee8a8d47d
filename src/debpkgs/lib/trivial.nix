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
  assertEachOneOf = name: values: allowed: lib.all (value: lib.assertOneOf name value allowed) values;
  setFunctionArgs = f: args: { __functor = _: f; __functionArgs = args; };
  functionArgs = f: if f ? __functor then f.__functionArgs or (lib.functionArgs (f.__functor f)) else builtins.functionArgs f;
  toFunction = value: if lib.isFunction value then value else _: value;
  fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  fakeSha256 = "0000000000000000000000000000000000000000000000000000000000000000";
  inPureEvalMode = !(builtins ? currentSystem);
  xor = a: b: (!a) != (!b);
  inherit (builtins) bitAnd bitOr bitXor ceil floor mul div hashFile hashString placeholder readDir toFile toXML fromTOML convertHash
    hasContext getContext appendContext addDrvOutputDependencies unsafeDiscardOutputDependency unsafeGetAttrPos flakeRefToString parseFlakeRef readFileType splitVersion;
  bitNot = builtins.sub (-1);
  info = message: builtins.trace "INFO: ${message}";
  showWarnings = warnings: result: builtins.foldl' (rest: warning: lib.warn warning rest) result warnings;
  checkListOfEnum = what: valid: given: value:
    let unknown = lib.subtractLists valid given; in
    if unknown == [ ] then value else throw "${what}: ${lib.concatStringsSep ", " (map toString unknown)} unexpected; valid ones: ${lib.concatStringsSep ", " (map toString valid)}";
  splitByAndCompare = isLeft: compareLeft: compareRight: a: b:
    if isLeft a then (if isLeft b then compareLeft a b else -1) else if isLeft b then 1 else compareRight a b;
  mirrorFunctionArgs = f: let args = lib.functionArgs f; in g: lib.setFunctionArgs g args;
  # Numbers as digits, the first the most significant.
  toBaseDigits = base: n:
    let go = i: if i < base then [ i ] else [ (i - base * (i / base)) ] ++ go (i / base); in
    if base < 2 || n < 0 then throw "lib.toBaseDigits: the base is at least 2 and the number not negative" else lib.reverseList (go n);
  toHexString = n: lib.concatMapStrings (digit: builtins.substring digit 1 "0123456789ABCDEF") (lib.toBaseDigits 16 n);
  fromHexString = text:
    let digits = builtins.match "(0x)?([0-9a-fA-F]+)" text; in
    if digits == null then throw "lib.fromHexString: '${text}' is no hexadecimal number" else (builtins.fromTOML "v=0x${builtins.elemAt digits 1}").v;
  inNixShell = builtins.getEnv "IN_NIX_SHELL" != "";
  fakeSha512 = lib.concatStrings (lib.replicate 128 "0");
  # The release whose names and meanings the library follows.
  version = "25.11";
  versionSuffix = "";
  codeName = "debpkgs";
  isInOldestRelease = lib.oldestSupportedReleaseIsAtLeast;
  oldestSupportedReleaseIsAtLeast = release: release <= 2505;
  release = "25.11";
}
