# The stages of a nixpkgs-like set's own generic stdenv, on this set's tools: where nixpkgs would begin with its bootstrap archive, it finds
# Debian's gcc, binutils and C library here, and builds everything else itself. For a set whose stdenv/default.nix takes `stdenvStages`:
#   import (root + "/stdenv/impure.nix") { localSystem = system; stdenvStages = debpkgs.nixpkgsStages { inherit root; }; }
# `root` is the checkout; `paths` says where its parts lie, in the layout of nixpkgs or another; `overrides` goes over its packages.
{ debpkgs, runCommandLocal, shellInitialPath }:
{ root
, paths ? { }
, overrides ? (final: previous: { })
}:
{ lib, localSystem, config, overlays, ... }:
let
  inherit (debpkgs) package;
  first = candidates: let found = builtins.filter (path: builtins.pathExists (root + path)) candidates; in
    if found == [ ] then throw "nixpkgsStages: '${toString root}' has none of ${toString candidates}; say with 'paths' where it lies" else root + builtins.head found;
  place = {
    generic = paths.generic or (first [ "/stdenv/generic" "/pkgs/stdenv/generic" ]);
    ccWrapper = paths.ccWrapper or (first [ "/build-support/cc-wrapper" "/pkgs/build-support/cc-wrapper" ]);
    bintoolsWrapper = paths.bintoolsWrapper or (first [ "/build-support/bintools-wrapper" "/pkgs/build-support/bintools-wrapper" ]);
    fetchurlBoot = paths.fetchurlBoot or (first [ "/pkgs/fetchurl/boot.nix" "/build-support/fetchurl/boot.nix" "/pkgs/build-support/fetchurl/boot.nix" ]);
  };

  bash = package "bash";
  shell = "${bash}/bin/bash";
  initialPath = shellInitialPath;
  coreutils = package "coreutils";
  gnugrep = package "grep";
  gcc = package "gcc-12";
  binutils = package "binutils";
  sysroot = package "libc6-dev";
  version = unit: builtins.head (builtins.match "([0-9.]+).*" unit.version);

  # Debian's programs carry the name of their platform; the wrappers look for the plain one.
  plainNames = name: unit: pattern: runCommandLocal name { inherit unit; } ''
    mkdir -p $out/bin
    for program in $unit/bin/${pattern}; do
      plain=''${program##*/x86_64-linux-gnu-}
      ln -s $program $out/bin/''${plain%-12}
    done
  '';
  cc = plainNames "gcc-for-stages" gcc "x86_64-linux-gnu-*-12" // {
    pname = "gcc";
    version = version gcc;
    isGNU = true;
    langC = true;
    langCC = true;
    langFortran = false;
    hardeningUnsupportedFlags = [ ];
    lib = gcc;
  };
  bintools = plainNames "binutils-for-stages" binutils "x86_64-linux-gnu-*" // { pname = "binutils"; version = version binutils; isGNU = true; };
  # One folder of headers and one of libraries, as the wrappers expect them.
  libc =
    let
      tree = runCommandLocal "glibc-for-stages" { inherit sysroot; } ''
        mkdir -p $out/include
        ln -s $sysroot/lib/x86_64-linux-gnu $out/lib
        for file in $sysroot/include/x86_64-linux-gnu/* $sysroot/include/*; do
          name=''${file##*/}
          if [[ $name != x86_64-linux-gnu && $name != c++ && ! -e $out/include/$name ]]; then ln -s $file $out/include/; fi
        done
      '' // { pname = "glibc"; version = version (package "libc6"); };
    in
    tree // { out = tree; dev = tree; bin = tree; lib = tree; libgcc = null; };

  stdenvOf = { name, cc, overrides ? (_: _: { }), ... }: import place.generic {
    inherit name config cc shell initialPath overrides;
    extraNativeBuildInputs = [ (package "patchelf") ];
    buildPlatform = localSystem;
    hostPlatform = localSystem;
    targetPlatform = localSystem;
    preHook = ''export NIX_ENFORCE_PURITY="''${NIX_ENFORCE_PURITY-1}"'';
    fetchurlBoot = import place.fetchurlBoot { inherit (localSystem) system; };
  };
  noCC = stdenvOf { name = "stdenv-debian-no-cc"; cc = null; };
  wrapped = {
    inherit lib coreutils gnugrep libc;
    stdenvNoCC = noCC;
    nativeTools = false;
    nativeLibc = false;
    runtimeShell = shell;
    expand-response-params = "";
  };

  # Packages of ours in the place of its own, so that its own are not needed to build it.
  adapt = unit: attributes: let self = unit // { override = _: self; overrideAttrs = _: self; meta = { mainProgram = unit.meta.mainProgram or unit.pname; }; out = self; } // attributes; in self;
in
[
  ({ }: { __raw = true; gcc-unwrapped = null; binutils = null; coreutils = null; gnugrep = null; })
  (_: {
    inherit config overlays;
    stdenv = stdenvOf {
      name = "stdenv-debian";
      cc = lib.makeOverridable (import place.ccWrapper) (wrapped // {
        name = "gcc-wrapper";
        inherit cc;
        isGNU = true;
        fortify-headers = null;
        bintools = lib.makeOverridable (import place.bintoolsWrapper) (wrapped // { name = "bintools-wrapper"; inherit bintools; });
      });
      overrides = final: previous:
        {
          fetchurl = noCC.fetchurlBoot;
          bash = adapt bash { shellPath = "/bin/bash"; };
          bashNonInteractive = adapt bash { shellPath = "/bin/bash"; };
          runtimeShellPackage = adapt bash { shellPath = "/bin/bash"; };
          runtimeShell = shell;
          perl = adapt (package "perl") { libPrefix = "lib/perl5/site_perl"; };
          perlInterpreters = { };
          updateAutotoolsGnuConfigScriptsHook = adapt (runCommandLocal "no-hook" { } "mkdir $out") { };
        } // overrides final previous;
    };
  })
]
