# Packages under the names that nixpkgs gives them, where Debian's differ or mean something else, and what this set makes itself.
# Everything else is found under Debian's own name.
{ lib, debian, cc, stdenv, builders, callPackage }:
let
  inherit (debian) package;
in
rec {
  gcc = cc;
  gcc-unwrapped = package "gcc-12";
  clang-tools = package "clang-tools";
  glibc = package "libc6";
  gnumake = package "make";
  gnused = package "sed";
  gnugrep = package "grep";
  gnutar = package "tar";
  gnupatch = package "patch";
  gnum4 = package "m4";
  gnupg = package "gnupg";
  xz = package "xz-utils";
  bashInteractive = package "bash";
  runtimeShell = "${package "bash"}/bin/bash";
  pkg-config = package "pkgconf";
  ninja = package "ninja-build";
  fd = package "fd-find";
  which = let unit = package "debianutils"; in unit // { pname = "which"; meta = unit.meta // { mainProgram = "which"; }; };
  python3 = callPackage ./python.nix { python = package "python3"; };
  python = python3;
  sqlite = package "sqlite3";
  # Libraries to build against, under the names of their projects.
  zlib = package "zlib1g-dev";
  ncurses = package "libncurses-dev";
  readline = package "libreadline-dev";

  makeWrapper = builders.makeSetupHook { name = "make-wrapper-hook"; } ./hooks/make-wrapper.sh;
  makeBinaryWrapper = makeWrapper;
  installShellFiles = builders.makeSetupHook { name = "install-shell-files-hook"; } ./hooks/install-shell-files.sh;
  cacert = callPackage ./cacert.nix { certificates = debian.debOf "ca-certificates"; };
}
