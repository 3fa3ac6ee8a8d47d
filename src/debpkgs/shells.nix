# mkShell: a derivation that exists for `nix develop` to enter. Building it gives a file that names its inputs, which keeps them alive.
{ lib, stdenv }:
{ name ? "nix-shell", packages ? [ ], inputsFrom ? [ ], buildInputs ? [ ], nativeBuildInputs ? [ ], propagatedBuildInputs ? [ ]
, propagatedNativeBuildInputs ? [ ], shellHook ? "", ... }@args:
let
  # What the packages are built with, but not they themselves.
  from = list: lib.filter (input: !(lib.elem input inputsFrom)) (lib.flatten (lib.catAttrs list inputsFrom));
  rest = removeAttrs args [
    "name" "packages" "inputsFrom" "buildInputs" "nativeBuildInputs" "propagatedBuildInputs" "propagatedNativeBuildInputs" "shellHook" "stdenv"
  ];
in
(args.stdenv or stdenv).mkDerivation ({
  inherit name;
  buildInputs = buildInputs ++ from "buildInputs";
  nativeBuildInputs = packages ++ nativeBuildInputs ++ from "nativeBuildInputs";
  propagatedBuildInputs = propagatedBuildInputs ++ from "propagatedBuildInputs";
  propagatedNativeBuildInputs = propagatedNativeBuildInputs ++ from "propagatedNativeBuildInputs";
  shellHook = lib.concatStringsSep "\n" (lib.filter (hook: hook != "") (lib.catAttrs "shellHook" (lib.reverseList inputsFrom) ++ [ shellHook ]));
  phases = [ "buildPhase" ];
  buildPhase = ''
    {
      echo "------------------------------------------------------------"
      echo " WARNING: the existence of this path is not guaranteed."
      echo " It is an internal detail of a development shell."
      echo "------------------------------------------------------------"
      echo
      export
    } >> "$out"
  '';
  preferLocalBuild = true;
} // rest)
