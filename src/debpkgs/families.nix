# Packages that Debian splits but whose programs only work as one tree, because they find their parts relative to themselves or share
# one search path. A unit of the set is made of all members; `dependencies` replaces what the members ask for. Everything else
# becomes units by the rule in debian.nix.
{
  gcc-12 = {
    members = [ "gcc-12" "cpp-12" "g++-12" "libgcc-12-dev" "libstdc++-12-dev" ];
    # libcc1 only serves a debugger's plugin.
    dependencies = [
      "libc6" "libgcc-s1" "libstdc++6" "libgmp10" "libisl23" "libmpc3" "libmpfr6" "libzstd1" "zlib1g"
      "libgomp1" "libitm1" "libatomic1" "libasan8" "liblsan0" "libtsan2" "libubsan1" "libquadmath0"
    ];
  };
  binutils = {
    members = [ "binutils" "binutils-common" "binutils-x86-64-linux-gnu" "libbinutils" "libctf0" "libctf-nobfd0" ];
    # gprofng, a profiler, would bring 3 MB more.
    dependencies = [ "libc6" "libgcc-s1" "libstdc++6" "libjansson4" "libzstd1" "zlib1g" ];
  };
  libc6-dev = {
    members = [ "libc6-dev" "linux-libc-dev" "libcrypt-dev" ];
    dependencies = [ "libc6" "libcrypt1" "libgcc-s1" ];
  };
  perl.members = [ "perl" "perl-base" "perl-modules-5.36" "libperl5.36" ];
  python3.members = [
    "python3" "python3-minimal" "libpython3-stdlib" "python3.11" "python3.11-minimal" "libpython3.11-minimal" "libpython3.11-stdlib"
  ];
  "golang-1.19-go".members = [ "golang-1.19-go" "golang-1.19-src" ];
  nodejs.members = [ "nodejs" "libnode108" "node-acorn" ];
  ruby.members = [ "ruby" "ruby3.1" "libruby" "libruby3.1" "rake" "ruby-rubygems" "ruby-sdbm" ];
}
