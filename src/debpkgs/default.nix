# The package set as a function; flake.nix calls it. `mirror` is the address of a Debian mirror; floe resolves "mirror://debian" itself.
{ system ? "x86_64-linux", mirror ? "mirror://debian" }:
let
  lib = import ./lib;
  index = import ./index.nix;
  debian = import ./debian.nix {
    inherit system mirror index;
    families = import ./families.nix;
    quirks = import ./quirks.nix { unit = package; };
    compiler = cc;
  };
  inherit (debian) package;
  bash = package "bash";
  coreutils = package "coreutils";

  initialPath = map package [
    "coreutils" "findutils" "diffutils" "sed" "grep" "gawk" "tar" "gzip" "bzip2" "xz-utils" "make" "bash" "patch" "file"
  ];
  environment = arguments: import ./stdenv ({
    inherit lib system bash coreutils initialPath;
    inherit (debian) seed;
    extraNativeInputs = [ (package "patchelf") ];
  } // arguments);
  cc = import ./toolchain { inherit debian system; };
  stdenv = environment { name = "stdenv-linux"; inherit cc; };
  stdenvNoCC = environment { name = "stdenv-no-cc"; };

  builders = import ./builders.nix { inherit lib stdenv stdenvNoCC bash coreutils mirror; inherit (debian) storeName; };
  callPackage = lib.callPackageWith all;

  # What the set defines itself, above Debian's packages.
  own = builders // import ./curated.nix { inherit lib debian cc stdenv builders callPackage; } // {
    inherit lib stdenv stdenvNoCC callPackage system;
    pkgs = all;
    debpkgs = debian;
    newScope = extra: lib.callPackageWith (all // extra);
    callPackages = lib.callPackagesWith all;
    mkShell = import ./shells.nix { inherit lib stdenv; };
    mkShellNoCC = import ./shells.nix { inherit lib; stdenv = stdenvNoCC; };
    fetchFromDebian = { path, hash }: builders.fetchurl { url = "mirror://debian/${path}"; inherit hash; };
  };
  all = lib.genAttrs index.names package // own;
in
if system != "x86_64-linux" then
  throw "debpkgs: the embedded packages are made for x86_64-linux only, not for '${system}'; take another package set (for example github:NixOS/nixpkgs) on this machine"
else
  { inherit lib all own debian index; }
