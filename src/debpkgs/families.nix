# Packages that Debian splits but whose programs only work as one tree, because they find their parts relative to themselves or share
# one search path. A unit of the set is made of all members; `dependencies` replaces what the members ask for. Everything else
# becomes units by the rule in debian.nix.
let
  # Without printers, smart cards and other databases of certificates, which Java would load when asked to.
  java = [
    "libc6" "libgcc-s1" "libstdc++6" "zlib1g" "libasound2" "libfontconfig1" "libfreetype6" "libharfbuzz0b" "libjpeg62-turbo" "liblcms2-2"
  ];
in
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
    # what `python3 -m venv` takes
    "python3-distutils" "python3-lib2to3" "python3-venv" "python3.11-venv" "python3-pip-whl" "python3-setuptools-whl"
  ];
  "golang-1.19-go".members = [ "golang-1.19-go" "golang-1.19-src" ];
  # Plug-ins are found beside the library, through a list that a program makes.
  graphviz.members = [ "graphviz" "libgvc6" "libgvpr2" "libcgraph6" "libcdt5" "libpathplan4" "liblab-gamut1" ];
  openjdk-17-jre-headless = { members = [ "openjdk-17-jre-headless" ]; dependencies = java; };
  openjdk-17-jdk-headless = { members = [ "openjdk-17-jdk-headless" ]; dependencies = java; };
  # Debugging information of the C library, 20 MB, of which it needs a part (quirks.nix).
  valgrind = { members = [ "valgrind" ]; dependencies = [ "libc6" ]; };
  postgresql-15 = {
    members = [ "postgresql-15" ];
    # no libllvm14 and no locales
    dependencies = [
      "postgresql-client-15" "libc6" "libgcc-s1" "libgssapi-krb5-2" "libicu72" "libldap-2.5-0" "liblz4-1" "libpam0g" "libpq5" "libselinux1" "libssl3"
      "libstdc++6" "libsystemd0" "libuuid1" "libxml2" "libxslt1.1" "libzstd1" "tzdata" "zlib1g"
    ];
  };
  nodejs.members = [ "nodejs" "libnode108" "node-acorn" ];
  ruby.members = [ "ruby" "ruby3.1" "libruby" "libruby3.1" "rake" "ruby-rubygems" "ruby-sdbm" ];
}
