# Builds that try the set's builders, one attribute each; a build that succeeds passes. Arguments: those of the package set.
{ ... }@args:
let
  set = import ../../../../src/debpkgs args;
  pkgs = set.all;
in
import ./npm.nix { inherit pkgs; } // import ./texts.nix { inherit pkgs; } // import ./images.nix { inherit pkgs; } // import ./languages.nix { inherit pkgs; }
