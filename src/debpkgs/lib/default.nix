# The set's library: the functions of nixpkgs' lib that flakes and packages use most, under the same names. One file a kind.
let
  parts = [ ./trivial.nix ./lists.nix ./attrsets.nix ./strings.nix ./fixed-points.nix ./customisation.nix ./derivations.nix ./platforms.nix ./licenses.nix ];
  lib = builtins.foldl' (all: part: all // import part { inherit lib; }) { } parts;
in
lib // {
  # The names under which nixpkgs groups them.
  trivial = import ./trivial.nix { inherit lib; };
  lists = import ./lists.nix { inherit lib; };
  attrsets = import ./attrsets.nix { inherit lib; };
  strings = import ./strings.nix { inherit lib; };
  fixedPoints = import ./fixed-points.nix { inherit lib; };
  customisation = import ./customisation.nix { inherit lib; };
}
