# What bin/build.ts evaluates once, so that the compiled code of what evaluation always needs can be kept: a little of everything that package
# sets do.
let
  inherit (builtins)
    attrNames attrValues concatLists concatMap concatStringsSep elem elemAt filter foldl' functionArgs genList genericClosure getAttr
    hasAttr head intersectAttrs isAttrs isFunction isList isString length listToAttrs mapAttrs match partition removeAttrs
    replaceStrings sort split stringLength substring tail toJSON toString tryEval typeOf;
  id = x: x;
  compose = f: g: x: f (g x);
  fix = f: let x = f x; in x;
  extends = over: base: final: let prev = base final; in prev // over final prev;
  optional = condition: value: if condition then [ value ] else [ ];
  optionalAttrs = condition: set: if condition then set else { };
  makeOverridable = f: args: let result = f args; in
    if isAttrs result then result // { override = new: makeOverridable f (args // (if isFunction new then new args else new)); __functor = self: id; }
    else result;
  callWith = scope: f: extra: makeOverridable f (intersectAttrs (functionArgs f) scope // extra);
  mkDerivation = { name ? "${pname}-${version}", pname ? "", version ? "0", buildInputs ? [ ], meta ? { }, outputs ? [ "out" ], ... }@args:
    assert isString name; assert elem "out" outputs -> true || version != "1";
    derivation (removeAttrs args [ "meta" "passthru" ] // {
      inherit name outputs; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo $out" ];
      inputs = concatStringsSep " " (map toString (filter (x: x != null) buildInputs));
      flag = true; number = 3; list = [ 1 "a" null ]; absent = null; __ignoreNulls = true;
    } // optionalAttrs (meta ? broken && !meta.broken) { checked = meta.broken or false; });
  packages = fix (extends (final: prev: { c = prev.c.override { extra = "more"; }; }) (final: let call = callWith final; in {
    a = call ({ }: mkDerivation { pname = "a"; version = "1.0"; src = ./sample.nix; }) { };
    b = call ({ a, lib ? null }: with a; mkDerivation rec { name = "b"; buildInputs = [ a null a.outPath ]; text = ''
      line ${name}
        and ${a}
    ''; }) { };
    c = call ({ a, b, extra ? "" }: mkDerivation { name = "c${extra}"; outputs = [ "out" "dev" ]; buildInputs = [ a b ]; passAsFile = [ ]; }) { };
    d = mkDerivation { name = "d"; __structuredAttrs = true; json = { x = [ 1 2.5 true null ]; y.z = "s"; }; buildInputs = [ final.c.dev ]; };
  }));
  numbers = genList (x: x * 2 - 1) 40;
  names = map (n: "n${toString n}") numbers;
  set = listToAttrs (map (name: { inherit name; value = stringLength name; }) names);
  recursive = rec { x = 1; y = x + 1; ${"z" + "w"} = y; };
in
[
  (map (p: p.drvPath or "") (attrValues packages))
  (foldl' (a: b: a + b) 0 (sort (a: b: a < b) numbers))
  (concatMap (x: optional (x > 10 && x <= 30 || x == 3) x) numbers)
  (attrNames (mapAttrs (name: value: value + 1) (set // recursive)))
  (match "([a-z]+)-([0-9.]+)" "name-1.2") (split "[,;]" "a,b;c") (replaceStrings [ "a" "b" ] [ "c" "d" ] "abc")
  (toJSON { inherit (recursive) x y; l = [ 1 2.5 true null "s\n" ]; })
  (map (x: x.key) (genericClosure { startSet = [ { key = 1; } ]; operator = { key }: if key < 5 then [ { key = key + 1; } ] else [ ]; }))
  (tryEval (throw "no")).success (tryEval (assert false; 1)).success
  (typeOf (partition (x: x > 3) numbers).right) (compose id head [ 1 ]) (hasAttr "x" recursive) (getAttr "y" recursive)
  (substring 0 3 "abcdef" + "x${toString 1}") (tail [ 1 2 ] ++ [ (elemAt numbers 2) ]) (concatLists [ [ 1 ] [ 2 ] ]) (recursive == recursive)
  (isList names) (length names) (builtins.hashString "sha256" "x") (builtins.readFile ./sample.nix == "") (builtins.pathExists ./none)
  (builtins.compareVersions "1.2" "1.10") (builtins.parseDrvName "a-1") (builtins.fromJSON "{\"a\":[1]}") (builtins.tryEval 1).value
  (builtins.any id [ true ]) (builtins.all id [ true ]) (builtins.catAttrs "x" [ recursive ]) (builtins.groupBy typeOf [ 1 "a" ])
  (builtins.unsafeDiscardStringContext "${packages.a}") (builtins.baseNameOf ./sample.nix) (builtins.zipAttrsWith (n: v: v) [ set ])
]
