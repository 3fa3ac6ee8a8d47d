# The module system of the set's lib: `true` for each case.
let
  lib = import ../../src/debpkgs/lib;
  inherit (lib) mkOption mkIf mkForce mkDefault mkMerge mkBefore mkAfter mkEnableOption types evalModules;
  throws = value: !(builtins.tryEval (builtins.deepSeq value value)).success;
  config = modules: (evalModules { inherit modules; }).config;
  number = { options.n = mkOption { type = types.int; default = 1; }; };
  package = { type = "derivation"; name = "tool"; outPath = "/out"; };
in
{
  defaults = (config [ number ]).n == 1 && (config [ number { n = 2; } ]).n == 2 && throws (config [ number { n = "x"; } ]).n && throws (config [ number { n = 1; } { n = 2; } ]).n;
  priorities = (config [ number { n = mkDefault 3; } ]).n == 3 && (config [ number { n = 3; } { n = mkForce 4; } ]).n == 4;
  conditions = (config [ number ({ config, ... }: { options.on = mkEnableOption "it"; config = mkIf config.on { n = 5; }; }) { on = true; } ]).n == 5;
  merges = (config [ { options.l = mkOption { type = types.listOf types.str; }; } { l = mkMerge [ (mkAfter [ "z" ]) (mkIf false [ "no" ]) [ "m" ] ]; } { l = mkBefore [ "a" ]; } ]).l == [ "a" "m" "z" ];
  unknown = throws (config [ number { m = 1; } ]).n && (config [ number { m = 1; _module.check = false; } ]).n == 1;
  missing = throws (config [ { options.x = mkOption { type = types.int; }; } ]).x;
  submodules =
    let it = config [ { options.users = mkOption { type = types.attrsOf (types.submodule ({ name, ... }: { options.home = mkOption { type = types.str; default = "/home/${name}"; }; })); default = { }; }; } { users.a = { }; } { users.b.home = "/b"; } ]; in
    it.users.a.home == "/home/a" && it.users.b.home == "/b";
  freeform = config [ { freeformType = types.attrsOf types.int; options.a = mkOption { type = types.str; default = "s"; }; } { b = 2; } ] == { a = "s"; b = 2; };
  imports = (config [ { imports = [ number { n = 6; } ]; } ]).n == 6 && (config [ number { key = "k"; n = 7; } { disabledModules = [ { key = "k"; } ]; } ]).n == 1;
  arguments = (evalModules { modules = [ number ({ special, late, ... }: { n = special + late; }) { _module.args.late = 2; } ]; specialArgs.special = 1; }).config.n == 3;
  renamed = (config [ number (lib.mkRenamedOptionModule [ "old" ] [ "n" ]) { options.warnings = mkOption { type = types.listOf types.str; default = [ ]; }; config.old = 8; } ]).n == 8;
  composed = (config [ { options.v = mkOption { type = types.nullOr (types.either types.int (types.enum [ "a" ])); default = null; }; } { v = "a"; } ]).v == "a";
  coerced = (config [ { options.v = mkOption { type = types.coercedTo types.int toString types.str; }; } { v = 1; } ]).v == "1";
  functions = (config [ { options.f = mkOption { type = types.functionTo (types.listOf types.int); }; } { f = x: [ x ]; } { f = x: [ (x + 1) ]; } ]).f 1 == [ 2 1 ];
  deferred = let it = config [ { options.m = mkOption { type = types.deferredModule; }; } { m = { n = 9; }; } ]; in (config [ number it.m ]).n == 9;
  anything = (config [ { options.x = mkOption { type = types.anything; }; } { x = { a.b = 1; }; } { x.a.c = 2; } ]).x == { a = { b = 1; c = 2; }; };
  packages = (config [ { options.p = lib.mkPackageOption { tool = package; } "tool" { }; } ]).p.name == "tool";
  extended = ((evalModules { modules = [ number ]; }).extendModules { modules = [ { n = 10; } ]; }).config.n == 10;
  described = map (option: option.name) (lib.filter (option: !option.internal) (lib.optionAttrSetToDocList (evalModules { modules = [ number { options.s = mkOption { type = types.attrsOf (types.submodule number); description = "d"; }; } ]; }).options)) == [ "_module.args" "n" "s" "s.<name>.n" ];
}
