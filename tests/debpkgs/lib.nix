# What the functions of the set's lib give: `true` for each case.
let
  lib = import ../../src/debpkgs/lib;
  throws = value: !(builtins.tryEval (builtins.deepSeq value value)).success;
  drv = { type = "derivation"; name = "tool-1.2"; outputs = [ "out" "dev" ]; outPath = "/out"; out = { outPath = "/out"; }; dev = { outPath = "/dev"; }; };
in
{
  splitString = lib.splitString "." "a..b" == [ "a" "" "b" ] && lib.splitString "|" "a|b" == [ "a" "b" ];
  affixes = lib.hasPrefix "ab" "abc" && lib.hasSuffix "bc" "abc" && !(lib.hasSuffix "abcd" "abc") && lib.removePrefix "a" "abc" == "bc" && lib.removeSuffix "c" "abc" == "ab";
  hasInfix = lib.hasInfix "b.d" "ab.de" && !(lib.hasInfix "b.d" "abxde");
  escapeShellArg = lib.escapeShellArg "it's" == "'it'\\''s'" && lib.escapeShellArg "plain/1.2" == "plain/1.2" && lib.escapeShellArgs [ "a b" 1 ] == "'a b' 1";
  toShellVar = lib.toShellVar "a" [ "x" "y z" ] == "declare -a a=(x 'y z')" && lib.toShellVar "a" { k = "v"; } == "declare -A a=([k]=v)" && throws (lib.toShellVar "1" "x");
  trim = lib.trim " a b\n" == "a b" && lib.trim "  " == "";
  case = lib.toUpper "aZ1" == "AZ1" && lib.toLower "aZ1" == "az1";
  versions = lib.versionAtLeast "1.10" "1.9" && lib.versionOlder "1.9" "1.10" && lib.versions.majorMinor "3.11.2" == "3.11";
  toInt = lib.toInt " 12" == 12 && lib.toInt "-3" == -3 && throws (lib.toInt "x");
  sanitize = lib.sanitizeDerivationName ".a b~c" == "_a-b-c";
  lists = lib.range 1 3 == [ 1 2 3 ] && lib.flatten [ 1 [ 2 [ 3 ] ] ] == [ 1 2 3 ] && lib.unique [ 2 1 2 ] == [ 2 1 ] && lib.take 2 [ 1 2 3 ] == [ 1 2 ] && lib.drop 2 [ 1 2 3 ] == [ 3 ] && lib.drop 5 [ 1 ] == [ ] && lib.sublist 1 2 [ 1 2 3 4 ] == [ 2 3 ];
  folds = lib.foldr (a: b: [ a b ]) 0 [ 1 2 ] == [ 1 [ 2 0 ] ] && lib.foldl (a: b: [ a b ]) 0 [ 1 2 ] == [ [ 0 1 ] 2 ];
  ends = lib.last [ 1 2 ] == 2 && lib.init [ 1 2 ] == [ 1 ] && lib.reverseList [ 1 2 ] == [ 2 1 ] && throws (lib.last [ ]);
  indexed = lib.imap0 (i: x: i + x) [ 1 1 ] == [ 1 2 ] && lib.imap1 (i: x: i + x) [ 1 1 ] == [ 2 3 ] && lib.zipListsWith (a: b: a + b) [ 1 2 ] [ 3 ] == [ 4 ];
  attrs = lib.filterAttrs (n: v: v > 1) { a = 1; b = 2; } == { b = 2; } && lib.mapAttrs' (n: v: lib.nameValuePair (n + "x") v) { a = 1; } == { ax = 1; } && lib.genAttrs [ "a" ] (n: n) == { a = "a"; };
  paths = lib.attrByPath [ "a" "b" ] 0 { a.b = 1; } == 1 && lib.attrByPath [ "a" "c" ] 0 { a.b = 1; } == 0 && lib.hasAttrByPath [ "a" ] { a = 1; } && lib.setAttrByPath [ "a" "b" ] 1 == { a.b = 1; };
  recursiveUpdate = lib.recursiveUpdate { a = { b = 1; c = 2; }; d = 1; } { a.b = 3; d = { }; } == { a = { b = 3; c = 2; }; d = { }; };
  cartesianProduct = lib.cartesianProduct { a = [ 1 2 ]; b = [ 3 ]; } == [ { a = 1; b = 3; } { a = 2; b = 3; } ];
  fixedPoints = (lib.makeExtensible (self: { a = 1; b = self.a; })).extend (final: previous: { a = previous.a + 1; }) ? extend && ((lib.makeExtensible (self: { a = 1; b = self.a; })).extend (final: previous: { a = previous.a + 1; })).b == 2;
  overlays = lib.fix (lib.extends (lib.composeManyExtensions [ (f: p: { a = p.a + 1; }) (f: p: { b = f.a + p.a; }) ]) (self: { a = 1; })) == { a = 2; b = 4; };
  callPackage = (lib.callPackageWith { x = 1; y = 2; } ({ x, z ? 5, y }: { sum = x + y + z; }) { y = 3; }).sum == 9;
  override = ((lib.callPackageWith { x = 1; } ({ x }: { value = x; }) { }).override { x = 7; }).value == 7 && throws (lib.callPackageWith { } ({ x }: x) { });
  outputs = lib.getDev drv == drv.dev && lib.getLib drv == drv.out && lib.getExe drv == "/out/bin/tool";
  searchPaths = lib.makeBinPath [ "/a" drv ] == "/a/bin:/out/bin" && lib.makeSearchPath "lib" [ "/a" ] == "/a/lib";
  optional = lib.optional true 1 == [ 1 ] && lib.optionals false [ 1 ] == [ ] && lib.optionalString true "x" == "x" && lib.optionalAttrs false { a = 1; } == { };
  generators = lib.generators.toKeyValue { } { a = 1; b = "x"; } == "a=1\nb=x\n";
  assertions = throws (lib.assertMsg false "no") && lib.assertOneOf "x" 1 [ 1 2 ] && lib.throwIf false "no" 1 == 1;
}
