# The C and C++ compiler of the set: Debian's gcc and binutils behind wrappers that know the store. The wrappers read the variables
# that nixpkgs' do (NIX_CFLAGS_COMPILE, NIX_CFLAGS_LINK, NIX_LDFLAGS, NIX_DONT_SET_RPATH, NIX_DEBUG); what setup.sh fills in there
# comes from the hook.
{ debian, system }:
let
  gcc = debian.package "gcc-12";
  binutils = debian.package "binutils";
  sysroot = debian.package "libc6-dev";
  libc = debian.package "libc6";
  dash = debian.package "dash";
  coreutils = debian.package "coreutils";
  version = builtins.head (builtins.match "([0-9.]+)-.*" gcc.version);
in
derivation
  {
    name = "gcc-wrapper-${version}";
    inherit system gcc binutils sysroot libc dash coreutils;
    builder = "${debian.seed}/bin/busybox";
    args = [ "sh" "-eu" ./wrap.sh ];
    store = builtins.storeDir;
    compile = ./compile.sh;
    link = ./link.sh;
    hook = ./hook.sh;
  } // {
    pname = "gcc-wrapper";
    inherit version gcc binutils sysroot libc;
    # The names under which nixpkgs' wrapper offers these.
    cc = gcc;
    bintools = binutils;
    targetPrefix = "";
    isGNU = true;
    isClang = false;
    meta = { name = "gcc-wrapper-${version}"; inherit version; mainProgram = "gcc"; platforms = [ system ]; };
  }
