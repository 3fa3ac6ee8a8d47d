# Packages under the names that nixpkgs gives them, where Debian's differ or mean something else, and what this set makes itself.
# Everything else is found under Debian's own name.
{ lib, debian, cc, stdenv, builders, callPackage }:
let
  inherit (debian) package;
  # The parts of a package that Debian splits, as nixpkgs' outputs: `bin` is run, `dev` built against, `out` loaded at run time. `default`
  # is what the package is without more words; inputs of a build take `dev`.
  parts = default: outputs: package default // lib.mapAttrs (_: package) outputs;
in
rec {
  gcc = cc;
  gcc-unwrapped = package "gcc-12";
  clang-tools = package "clang-tools";
  glibc = package "libc6";
  glibcLocales = package "locales-all";
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
  fd = package "fd-find";
  which = let unit = package "debianutils"; in unit // { pname = "which"; meta = unit.meta // { mainProgram = "which"; }; };

  # Building.
  pkg-config = package "pkgconf";
  ninja = package "ninja-build";
  autoreconfHook = builders.makeSetupHook { name = "autoreconf-hook"; propagatedBuildInputs = map package [ "autoconf" "automake" "libtool" "gettext" "m4" ]; } ./hooks/autoreconf.sh;

  # Languages.
  python3 = callPackage ./python.nix { python = package "python3"; };
  python = python3;
  python311 = python3;
  python3Packages = python3.pkgs;
  python311Packages = python3.pkgs;
  lua = package "lua5.4";
  lua5_4 = lua;
  lua5_3 = package "lua5.3";
  lua5_1 = package "lua5.1";
  go = package "golang-1.19-go";
  jdk = package "openjdk-17-jdk-headless";
  jdk17 = jdk;
  jdk_headless = jdk;
  jdk17_headless = jdk;
  jre = package "openjdk-17-jre-headless";
  jre_headless = jre;
  openjdk = jdk;
  php = callPackage ./php.nix { };
  php82 = php;
  tcl = package "tcl8.6";

  # Services and programs.
  postgresql = package "postgresql-15";
  postgresql_15 = postgresql;
  redis = package "redis-server";
  ffmpeg-headless = package "ffmpeg";
  openssh = package "openssh-client";

  # Libraries to build against, under the names of their projects.
  sqlite = parts "sqlite3" { bin = "sqlite3"; out = "libsqlite3-0"; dev = "libsqlite3-dev"; };
  openssl = parts "openssl" { bin = "openssl"; out = "libssl3"; dev = "libssl-dev"; };
  zlib = parts "zlib1g" { out = "zlib1g"; dev = "zlib1g-dev"; };
  libxml2 = parts "libxml2-utils" { bin = "libxml2-utils"; out = "libxml2"; dev = "libxml2-dev"; };
  ncurses = parts "ncurses-bin" { out = "libncurses6"; dev = "libncurses-dev"; };
  readline = parts "libreadline8" { out = "libreadline8"; dev = "libreadline-dev"; };

  makeWrapper = builders.makeSetupHook { name = "make-wrapper-hook"; } ./hooks/make-wrapper.sh;
  makeBinaryWrapper = makeWrapper;
  installShellFiles = builders.makeSetupHook { name = "install-shell-files-hook"; } ./hooks/install-shell-files.sh;
  cacert = callPackage ./cacert.nix { certificates = debian.debOf "ca-certificates"; };
}
