# Packages of a nixpkgs-like set, built by that set's own generic stdenv on this one's tools, from Debian's source archives. `root` is a
# checkout of such a set; the remaining arguments are those of the embedded set.
{ root, ... }@args:
let
  set = (import ../../../../src/debpkgs (removeAttrs args [ "root" ])).all;
  pkgs = import (root + "/stdenv/impure.nix") {
    localSystem.system = "x86_64-linux";
    stdenvStages = set.nixpkgsStages { inherit root; };
  };
  archive = path: hash: set.fetchFromDebian { inherit path hash; };
in
{
  hello = pkgs.stdenv.mkDerivation {
    pname = "hello";
    version = "2.10";
    src = archive "pool/main/h/hello/hello_2.10.orig.tar.gz" "sha256-MeBmE3qWJnbon2nRtlOC3pWn732RS4y5VvQepy4PUWs=";
    doCheck = true;
  };
  gnused = pkgs.gnused.overrideAttrs { src = archive "pool/main/s/sed/sed_4.9.orig.tar.xz" "sha256-biJrcy4c1zlGStaGK9Ghq6QteYKSLaelNRljHSSXUYE="; };
  xz = pkgs.xz.overrideAttrs { src = archive "pool/main/x/xz-utils/xz-utils_5.4.1.orig.tar.xz" "sha256-XZgnqhh1shwoj3iGS7JtJlC0NuqNLK02Tkkh62JmpaU="; };
}
