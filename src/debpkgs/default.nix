# The package set as a function; flake.nix calls it. `mirror` and `npmMirror` are addresses of a Debian mirror and of an npm registry;
# floe resolves "mirror://debian" and "mirror://npm" itself. `overlays` are functions `final: prev: { ... }` as in nixpkgs' manual.
{ system ? "x86_64-linux", mirror ? "mirror://debian", npmMirror ? "mirror://npm", overlays ? [ ], config ? { } }:
let
  lib = import ./lib;
  index = import ./index.nix;
  debian = import ./debian.nix {
    inherit system mirror index;
    families = import ./families.nix;
    quirks = import ./quirks.nix { unit = package; };
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

  # What the set defines itself, above Debian's packages; `pkgs` is the finished set, overlays included.
  ownOf = pkgs:
    let
      # "mirror://debian/..." and "mirror://npm/..." at the addresses that the set was given
      addressOf = address:
        if lib.hasPrefix "mirror://debian/" address then "${mirror}/${lib.removePrefix "mirror://debian/" address}"
        else if lib.hasPrefix "mirror://npm/" address && npmMirror != null then "${npmMirror}/${lib.removePrefix "mirror://npm/" address}"
        else address;
      fetchers = import ./fetchers.nix { inherit lib addressOf; inherit (pkgs) stdenvNoCC curl git cacert unzip patchutils fetchurl; };
      builders = import ./builders.nix {
        inherit lib addressOf;
        inherit (pkgs) stdenv stdenvNoCC bash coreutils jq shellcheck;
        inherit (debian) storeName;
        inherit (fetchers) fetchAndChange;
      };
      callPackage = lib.callPackageWith pkgs;
    in
    builders
    // removeAttrs fetchers [ "fetchAndChange" ]
    // import ./curated.nix { inherit lib debian cc callPackage builders; inherit (pkgs) stdenv; }
    // import ./npm {
      inherit lib;
      inherit (pkgs) stdenv stdenvNoCC runCommandLocal fetchurl makeSetupHook makeWrapper jq patchelf;
      debpkgs = debian;
      inherit npmMirror;
    }
    // rec {
      dockerTools = import ./docker {
        inherit lib;
        inherit (debian) storeName;
        inherit (pkgs) stdenvNoCC runCommand runCommandLocal writeText writeTextDir symlinkJoin bash coreutils cacert fakeroot util-linux python3 zstd;
      };
      inherit (dockerTools) fakeNss;
      rustPlatform = (import ./languages/rust.nix {
        inherit lib;
        inherit (pkgs) stdenv runCommandLocal fetchurl rustc cargo cacert git;
        crateAddress = config.crateAddress or null;
      }).rustPlatform;
      inherit (import ./languages/go.nix { inherit lib; inherit (pkgs) stdenv go cacert git; }) buildGoModule;
      inherit (import ./languages/python.nix { inherit lib; inherit (pkgs) stdenv python3 makeSetupHook makeWrapper; debpkgs = debian; }) buildPythonPackage buildPythonApplication;
      python3Packages = pkgs.python3.pkgs // { inherit buildPythonPackage buildPythonApplication; python = pkgs.python3; };
      inherit (import ./formats.nix { inherit lib; inherit (pkgs) writeText runCommandLocal jq; }) formats;
      autoPatchelfHook = pkgs.makeSetupHook
        {
          name = "auto-patchelf-hook";
          propagatedBuildInputs = [ pkgs.patchelf ];
          substitutions = let libc = "${package "libc6"}/lib/x86_64-linux-gnu"; in { inherit libc; loader = "${libc}/ld-linux-x86-64.so.2"; };
        }
        ./hooks/auto-patchelf.sh;
      nixpkgsStages = import ./stages.nix { debpkgs = debian; inherit (pkgs) runCommandLocal; shellInitialPath = initialPath; };
    }
    // {
      inherit lib stdenv stdenvNoCC callPackage system config overlays;
      inherit pkgs;
      debpkgs = debian;
      newScope = extra: lib.callPackageWith (pkgs // extra);
      callPackages = lib.callPackagesWith pkgs;
      mkShell = import ./shells.nix { inherit lib; inherit (pkgs) stdenv; };
      mkShellNoCC = import ./shells.nix { inherit lib; stdenv = pkgs.stdenvNoCC; };
      fetchFromDebian = { path, hash }: builders.fetchurl { url = "mirror://debian/${path}"; inherit hash; };
      # The set with more overlays on top.
      appendOverlays = more: if more == [ ] then pkgs else (import ./. { inherit system mirror npmMirror config; overlays = overlays ++ more; }).all;
      extend = overlay: pkgs.appendOverlays [ overlay ];
    };
  base = pkgs: lib.genAttrs index.names package // ownOf pkgs;
  all = lib.fix (lib.extends (lib.composeManyExtensions overlays) base);
in
if system != "x86_64-linux" then
  throw "debpkgs: the embedded packages are made for x86_64-linux only, not for '${system}'; take another package set (for example github:NixOS/nixpkgs) on this machine"
else
  { inherit lib all debian index; own = ownOf all; }
