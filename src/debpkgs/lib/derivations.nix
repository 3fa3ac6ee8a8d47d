# Derivations: outputs, the program to run, extra attributes.
{ lib }:
rec {
  # Attributes for a derivation and all its outputs.
  extendDerivation = extra: drv:
    let
      outputs = drv.outputs or [ "out" ];
      output = name: {
        inherit name;
        value = common // {
          inherit (drv.${name}) outPath drvPath type outputName;
          outputSpecified = true;
          passthru = common.passthru or { };
        };
      };
      common = drv // builtins.listToAttrs (map output outputs) // { all = map (name: common.${name}) outputs; } // extra;
    in
    common // { inherit (drv) outPath drvPath outputName; };

  getOutput = output: package:
    if !(package ? outputSpecified) || !package.outputSpecified then package.${output} or package.out or package else package;
  getFirstOutput = candidates: package:
    let found = lib.filter (output: package ? ${output}) candidates; in
    if package.outputSpecified or false || found == [ ] then package else package.${lib.head found};
  getBin = getFirstOutput [ "bin" "out" ];
  getLib = getFirstOutput [ "lib" "out" ];
  getDev = getFirstOutput [ "dev" "out" ];
  getMan = getFirstOutput [ "man" "out" ];
  chooseDevOutputs = map getDev;

  getExe = package: getExe' package (package.meta.mainProgram or (lib.getName package));
  getExe' = package: program: "${getBin package}/bin/${program}";

  setName = name: package: package // { inherit name; };
  addMetaAttrs = meta: package: package // { meta = (package.meta or { }) // meta; };
  hiPrio = addMetaAttrs { priority = -10; };
  lowPrio = addMetaAttrs { priority = 10; };
  lazyDerivation = { derivation, meta ? { }, passthru ? { }, outputs ? [ "out" ] }: derivation // { inherit meta; } // passthru;
}
