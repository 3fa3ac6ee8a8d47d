# Texts, scripts, trees of links; overriding; what closures say of themselves.
{ pkgs }:
let
  inherit (pkgs) lib runCommand stdenv;
  template = pkgs.writeText "template.in" "a @first@ @second@ @keep@\n";
in
{
  replace-vars = runCommand "replace-vars-test" {
    one = pkgs.replaceVars template { first = 1; second = "${pkgs.jq}"; keep = null; };
    two = pkgs.replaceVarsWith { src = template; name = "script"; dir = "bin"; isExecutable = true; replacements = { first = "x"; second = "a b \"q\" 'r'"; keep = "$k"; }; };
    three = pkgs.substituteAll { src = template; first = "f"; second = "s"; };
    joined = pkgs.concatText "joined" [ template template ];
  } ''
    [[ $(cat $one) == "a 1 ${pkgs.jq} @keep@" ]]
    [[ -x $two/bin/script && $(cat $two/bin/script) == "a x a b \"q\" 'r' \$k" ]]
    [[ $(cat $three) == "a f s @keep@" && $(wc -l < $joined) == 2 ]]
    touch $out
  '';

  shellcheck = runCommand "shellcheck-test" {
    good = pkgs.writeShellApplication { name = "good"; text = ''echo "$1"''; };
    excused = pkgs.writeShellApplication { name = "excused"; excludeShellChecks = [ "SC2086" ]; text = "echo $1"; };
    nativeBuildInputs = [ pkgs.shellcheck ];
  } ''
    [[ $($good/bin/good "a  b") == "a  b" && $($excused/bin/excused "a  b") == "a b" ]]
    sed 's/"$1"/$1/' $good/bin/good > bad
    if shellcheck bad; then exit 1; fi
    touch $out
  '';

  trees = runCommand "trees" {
    farm = pkgs.linkFarmFromDrvs "farm" [ pkgs.jq pkgs.tree ];
    patched = pkgs.applyPatches { src = pkgs.writeTextDir "a" "old\n"; name = "patched"; patches = [ (builtins.toFile "p.patch" "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-old\n+new\n") ]; };
    info = pkgs.closureInfo { rootPaths = [ pkgs.jq ]; };
  } ''
    [[ -x $farm/${pkgs.jq.name}/bin/jq && $(cat $patched/a) == new ]]
    grep -qx ${pkgs.jq} $info/store-paths
    grep -A6 -x ${pkgs.jq} $info/registration | sed -n 2p | grep -q '^sha256[:-]'
    [[ $(cat $info/total-nar-size) -gt 100000 ]]
    touch $out
  '';

  # The set with overlays; packages as functions of others.
  overlays =
    let
      extended = pkgs.extend (final: prev: {
        greeting = final.callPackage ({ writeText, word ? "hello", tail }: writeText "greeting" "${word} ${tail}") { };
        tail = "world";
        tree = prev.writeShellScriptBin "tree" "echo replaced";
      });
      again = extended.appendOverlays [ (final: prev: { tail = prev.tail + "!"; }) ];
      scope = lib.makeScope pkgs.newScope (self: { a = "1"; b = self.callPackage ({ a, jq }: "${a}-${jq.pname}") { }; });
      base = stdenv.mkDerivation (final: { pname = "p"; version = "1"; text = "v${final.version}"; buildCommand = "echo $text > $out"; passthru.tested = final.finalPackage.name; });
    in
    runCommand "overlays" {
      one = extended.greeting;
      two = (again.greeting.override { word = "bye"; });
      inherit (extended) tree;
      shellTree = extended.mkShell { packages = [ extended.tree ]; };
      three = base.overrideAttrs { version = "2"; };
      four = (base.overrideAttrs (previous: { text = previous.text + "b"; })).overrideAttrs (final: previous: { version = "3"; more = previous.text; });
      tested = (base.overrideAttrs { pname = "q"; }).tested;
      scoped = scope.b + (scope.overrideScope (final: prev: { a = "2"; })).b;
    } ''
      [[ $(cat $one) == "hello world" && $(cat $two) == "bye world!" && $($tree/bin/tree) == replaced ]]
      [[ $(cat $three) == v2 && $(cat $four) == v3b && $tested == q-1 && $scoped == 1-jq2-jq ]]
      touch $out
    '';

  # Files of settings, read back.
  formats =
    let
      value = { a = 1; b = "x \"y\"\n"; list = [ 1 2 ]; table.inner.deep = true; tables = [ { n = 1; } { n = 2; } ]; "odd key" = 1.5; none = null; };
      toml = pkgs.formats.toml { };
    in
    assert builtins.fromTOML ((import ../../../../src/debpkgs/formats.nix { inherit lib; inherit (pkgs) writeText runCommandLocal jq; }).toTOML value) == removeAttrs value [ "none" ] || throw "formats.toml: what is read is not what was written";
    runCommand "formats" {
      json = (pkgs.formats.json { }).generate "a.json" value;
      toml = toml.generate "a.toml" value;
      ini = (pkgs.formats.ini { }).generate "a.ini" { section = { on = true; n = 1; }; };
      nativeBuildInputs = [ pkgs.jq pkgs.python3 ];
    } ''
      [[ $(jq -r '.table.inner.deep, .list[1]' $json | tr '\n' ' ') == "true 2 " ]]
      python3 -c 'import sys, tomllib; assert tomllib.load(open(sys.argv[1], "rb"))["tables"][1]["n"] == 2' $toml
      [[ $(cat $ini) == $'[section]\nn=1\non=true' ]]
      touch $out
    '';

  # A program that was compiled for other machines, as it is downloaded, starts.
  auto-patchelf = stdenv.mkDerivation {
    name = "auto-patchelf";
    src = pkgs.debpkgs.debOf "jq";
    nativeBuildInputs = [ pkgs.autoPatchelfHook pkgs.binutils ];
    buildInputs = [ pkgs.libonig5 ];
    unpackPhase = ''
      ar x $src data.tar.xz
      tar xf data.tar.xz
      ar x ${pkgs.debpkgs.debOf "libjq1"} data.tar.xz
      tar xf data.tar.xz
    '';
    dontBuild = true;
    installPhase = "mkdir -p $out/lib; cp -r usr/bin $out/; cp usr/lib/x86_64-linux-gnu/libjq.so* $out/lib/";
    doInstallCheck = true;
    installCheckPhase = "env -i $out/bin/jq --version";
  };
}
