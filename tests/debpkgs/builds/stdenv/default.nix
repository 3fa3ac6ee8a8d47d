# Builds that try the standard environment, one attribute each; a build that succeeds passes. Arguments: those of the package set.
{ ... }@args:
let
  set = import ../../../../src/debpkgs args;
  pkgs = set.all;
  inherit (pkgs) lib stdenv runCommand runCommandCC;

  # A library with a program, its sources written by Nix, in the layout that autotools would leave.
  source = pkgs.linkFarm "twice-source" {
    "Makefile" = builtins.toFile "Makefile" ''
      PREFIX ?= /usr/local
      LIBDIR ?= $(PREFIX)/lib
      INCLUDEDIR ?= $(PREFIX)/include
      BINDIR ?= $(PREFIX)/bin
      all: libtwice.so twice
      libtwice.so: twice.c
      	$(CC) -shared -fPIC -Wl,-soname,libtwice.so.1 -o $@ $<
      twice: main.c libtwice.so
      	ln -sf libtwice.so libtwice.so.1
      	$(CC) -o $@ main.c -L. -ltwice
      check: all
      	test $$(LD_LIBRARY_PATH=. ./twice 21) = 42
      install: all
      	install -Dm755 libtwice.so $(LIBDIR)/libtwice.so.1
      	ln -s libtwice.so.1 $(LIBDIR)/libtwice.so
      	install -Dm644 twice.h $(INCLUDEDIR)/twice.h
      	install -Dm755 twice $(BINDIR)/twice
      	install -Dm755 script.sh $(BINDIR)/twice-script
      	install -d $(LIBDIR)/pkgconfig
      	printf 'prefix=$(PREFIX)\nName: twice\nDescription: doubles\nVersion: 1\nLibs: -L$(LIBDIR) -ltwice\nCflags: -I$(INCLUDEDIR)\n' > $(LIBDIR)/pkgconfig/twice.pc
    '';
    "twice.c" = builtins.toFile "twice.c" "int twice(int n) { return 2 * n; }\n";
    "twice.h" = builtins.toFile "twice.h" "int twice(int n);\n";
    "main.c" = builtins.toFile "main.c" ''
      #include <stdio.h>
      #include <stdlib.h>
      #include "twice.h"
      int main(int count, char **words) { printf("%d\n", twice(count > 1 ? atoi(words[1]) : 0)); return 0; }
    '';
    "script.sh" = builtins.toFile "script.sh" "#!/usr/bin/env bash\necho script @word@\n";
  };

  twice = stdenv.mkDerivation {
    pname = "twice";
    version = "1";
    src = source;
    outputs = [ "out" "dev" "bin" ];
    postUnpack = "cp -rL $sourceRoot copy; rm -rf $sourceRoot; mv copy $sourceRoot; chmod -R u+w $sourceRoot";
    postPatch = ''
      substituteInPlace script.sh --replace-fail @word@ patched
    '';
    makeFlags = [ "PREFIX=${placeholder "out"}" "LIBDIR=${placeholder "out"}/lib" "INCLUDEDIR=${placeholder "dev"}/include" "BINDIR=${placeholder "bin"}/bin" ];
    doCheck = true;
    doInstallCheck = true;
    installCheckPhase = ''
      runHook preInstallCheck
      [[ $($bin/bin/twice 4) == 8 ]]
      runHook postInstallCheck
    '';
  };
in
rec {
  inherit twice;

  # GNU hello as it is published: configure, make, make check, make install.
  hello = stdenv.mkDerivation rec {
    pname = "hello";
    version = "2.10";
    src = pkgs.fetchurl {
      url = "mirror://debian/pool/main/h/hello/hello_${version}.orig.tar.gz";
      sha256 = "31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b";
    };
    doCheck = true;
    postInstallCheck = "$out/bin/hello | grep -q world";
    doInstallCheck = true;
  };

  # Another package finds the library through buildInputs: flags, pkg-config, run path; the result needs the library, not the headers.
  uses-library = runCommandCC "uses-library" { buildInputs = [ twice ]; nativeBuildInputs = [ pkgs.pkg-config ]; disallowedReferences = [ twice.dev ]; } ''
    printf '#include <twice.h>\nint main(void) { return twice(21) != 42; }\n' > a.c
    gcc a.c -ltwice -o direct
    gcc a.c $(pkg-config --cflags --libs twice) -o found
    ./direct && ./found
    mkdir -p $out/bin
    cp direct $out/bin
    readelf -d direct | grep -q "RPATH.*${twice.out}/lib"
    if readelf -d direct | grep -q ${twice.dev}; then exit 1; fi
  '';

  outputs = runCommand "outputs" { inherit twice; inherit (twice) dev bin; } ''
    [[ -e ${twice.out}/lib/libtwice.so.1 && -e $dev/include/twice.h && -x $bin/bin/twice ]]
    [[ -e $dev/lib/pkgconfig/twice.pc && ! -e ${twice.out}/lib/pkgconfig ]]
    grep -q ${twice.bin} $dev/nix-support/propagated-build-inputs
    head -n1 $bin/bin/twice-script | grep -q "^#!$NIX_STORE/.*/bash$"
    $bin/bin/twice-script | grep -q '^script patched$'
    touch $out
  '';

  # A Debian library to build against.
  debian-library = runCommandCC "debian-library" { buildInputs = [ pkgs.zlib pkgs.libssl-dev ]; nativeBuildInputs = [ pkgs.pkg-config ]; } ''
    printf '#include <zlib.h>\n#include <openssl/evp.h>\n#include <stdio.h>\nint main(void) { puts(zlibVersion()); return EVP_sha256() == NULL; }\n' > a.c
    gcc a.c -lz -lcrypto -o a
    gcc a.c $(pkg-config --cflags --libs zlib libcrypto) -o b
    ./a && ./b
    touch $out
  '';

  cxx = runCommandCC "cxx" { } ''
    cat > a.cc <<'END'
    #include <iostream>
    #include <map>
    #include <stdexcept>
    #include <thread>
    int main() {
      std::map<std::string, int> m{{"a", 1}};
      int n = 0;
      std::thread t([&] { n = m.at("a"); });
      t.join();
      try { m.at("b"); } catch (const std::out_of_range &) { n++; }
      std::cout << n << "\n";
      return n != 2;
    }
    END
    g++ -std=c++20 -O2 a.cc -o a && ./a
    gcc --version > $out
  '';

  sanitizers = runCommandCC "sanitizers" { } ''
    printf 'int main(void) { return 0; }\n' > a.c
    gcc -fsanitize=address,undefined a.c -o a
    gcc -static a.c -o s && ./s
    gcc -flto -O2 a.c -o l && ./l
    touch $out
  '';

  phases = stdenv.mkDerivation {
    name = "phases";
    dontUnpack = true;
    prePhases = [ "firstPhase" ];
    postPhases = [ "lastPhase" ];
    firstPhase = "seen=first";
    preConfigure = "seen+=' preConfigure'";
    preBuild = "seen+=' preBuild'";
    buildPhase = "runHook preBuild; seen+=' build'; runHook postBuild";
    postBuild = "seen+=' postBuild'";
    installPhase = "seen+=' install'; mkdir -p $out";
    preFixup = "seen+=' preFixup'";
    postFixup = "seen+=' postFixup'";
    lastPhase = ''
      echo "$seen"
      [[ $seen == "first preConfigure preBuild build postBuild install preFixup postFixup" ]]
    '';
  };

  structured = stdenv.mkDerivation {
    name = "structured";
    __structuredAttrs = true;
    outputs = [ "out" "dev" ];
    dontUnpack = true;
    words = [ "a b" "c" ];
    table = { key = "value with space"; };
    nativeBuildInputs = [ pkgs.jq ];
    env.GREETING = "hi";
    configureFlags = [ "--one=1 2" ];
    installPhase = ''
      [[ ''${#words[@]} == 2 && ''${words[0]} == "a b" && ''${table[key]} == "value with space" && $GREETING == hi ]]
      flags=()
      concatTo flags configureFlags
      [[ ''${#flags[@]} == 1 && ''${flags[0]} == "--one=1 2" ]]
      prependToVar configureFlags --zero
      appendToVar configureFlags --two
      [[ "''${configureFlags[*]}" == "--zero --one=1 2 --two" ]]
      [[ $(jq -r .table.key "$NIX_ATTRS_JSON_FILE") == "value with space" ]]
      mkdir -p $out $dev/include
      env | grep -q '^GREETING=hi$'
    '';
  };

  lists = runCommand "lists" { flagsText = "--a  --b"; } ''
    flags=()
    concatTo flags flagsText unset=default empty
    [[ "''${flags[*]}" == "--a --b default" && ''${#flags[@]} == 3 ]]
    prependToVar flagsText --first
    appendToVar flagsText --last
    [[ $flagsText == "--first --a  --b --last" ]]
    [[ $(concatStringsSep , flagsText) == --first,--a,--b,--last ]]
    touch $out
  '';

  substitute = runCommand "substitute" { some = "value"; Other = "no"; } ''
    printf 'a @some@ @Other@ b\n\n' > in
    substituteAll in out1
    [[ $(cat out1; echo .) == $'a value @Other@ b\n\n.' ]]
    substitute in out2 --subst-var-by some x --replace-fail ' b' ' c' --replace-quiet zzz y
    [[ $(cat out2) == 'a x @Other@ c' ]]
    if substitute in out3 --replace-fail nothing something; then exit 1; fi
    substitute in out3 --replace-warn nothing something
    substituteInPlace in out1 --replace-fail a A
    [[ $(head -c1 in)$(head -c1 out1) == AA ]]
    touch $out
  '';

  wrappers = runCommand "wrappers" { nativeBuildInputs = [ pkgs.makeWrapper ]; } ''
    mkdir -p $out/bin
    printf '#!%s\necho "$A|$B|$LIST|$*"\n' "$SHELL" > $out/bin/show
    chmod +x $out/bin/show
    wrapProgram $out/bin/show --set A 'one two' --set-default B def --prefix LIST : /x --suffix LIST : /y --add-flags '--flag "q r"' --unset C
    [[ $(LIST=/m $out/bin/show last) == "one two|def|/x:/m:/y|--flag q r last" ]] || { LIST=/m $out/bin/show last; exit 1; }
    [[ $(B=given LIST=/y:/x $out/bin/show) == "one two|given|/x:/y|--flag q r" ]] || { B=given LIST=/y:/x $out/bin/show; exit 1; }
    [[ $($out/bin/show) == "one two|def|/x:/y|--flag q r" ]] || { $out/bin/show; exit 1; }
    makeWrapper $out/bin/show $out/bin/other --run 'export A=run' --chdir / --append-flags end
    $out/bin/other | grep -q 'end$'
  '';

  # A setup hook of an input and what inputs bring along.
  hooks = runCommand "hooks" {
    nativeBuildInputs = [
      (pkgs.makeSetupHook { name = "hook"; substitutions.word = "hooked"; } (builtins.toFile "hook.sh" ''
        hookWord=@word@
        addEnvHooks "$hostOffset" noteInput
        noteInput() { noted+=" ''${1##*-}"; }
      ''))
    ];
    buildInputs = [ carrier ];
  } ''
    [[ $hookWord == hooked && $noted == *carrier* && $noted == *carried* ]]
    touch $out
  '';
  carrier = stdenv.mkDerivation {
    name = "1-carrier";
    dontUnpack = true;
    installPhase = "mkdir -p $out/lib";
    propagatedBuildInputs = [ (runCommand "2-carried" { } "mkdir -p $out/include") ];
  };

  strict = runCommand "strict" { strictDeps = true; nativeBuildInputs = [ pkgs.jq ]; buildInputs = [ pkgs.tree ]; } ''
    type -P jq
    if type -P tree; then exit 1; fi
    touch $out
  '';

  overridden = (stdenv.mkDerivation (final: {
    pname = "overridden";
    version = "1";
    dontUnpack = true;
    installPhase = "echo ${final.version} > $out";
    passthru.own = final.version;
  })).overrideAttrs (final: previous: { version = "2"; installPhase = previous.installPhase + "; grep -q 2 $out; [[ ${final.passthru.own} == 2 ]]"; });

  text = runCommand "text" {
    script = pkgs.writeShellApplication { name = "app"; runtimeInputs = [ pkgs.jq ]; text = ''echo '{"a":1}' | jq .a''; };
    plain = pkgs.writeText "plain" "line\n";
    folder = pkgs.writeTextDir "a/b" "x";
    joined = pkgs.symlinkJoin { name = "joined"; paths = [ pkgs.jq pkgs.tree ]; };
    environment = pkgs.buildEnv { name = "env"; paths = [ pkgs.jq pkgs.tree ]; pathsToLink = [ "/bin" ]; };
  } ''
    [[ $($script/bin/app) == 1 && $(cat $plain) == line && $(cat $folder/a/b) == x ]]
    $joined/bin/tree --version
    $environment/bin/jq --version
    touch $out
  '';

  python = runCommand "python" { nativeBuildInputs = [ (pkgs.python3.withPackages (ps: [ ps.yaml ps.requests ])) ]; } ''
    python3 -c 'import yaml, requests, ssl, sqlite3, ctypes, lzma, bz2, zlib, curses, readline, hashlib; print(requests.__version__)'
    python3 - <<'END'
    import sys
    assert not [p for p in sys.path if p.startswith("/usr")], sys.path
    END
    python3 -m venv --without-pip env && env/bin/python -c 'print(1)'
    touch $out
  '';
  python-inputs = runCommand "python-inputs" { nativeBuildInputs = [ pkgs.python3 pkgs.python3-yaml ]; } ''
    python3 -c 'import yaml; print(yaml.__version__)'
    touch $out
  '';

  # Each command of the curated packages starts.
  commands = runCommand "commands" { nativeBuildInputs = with pkgs; [ git perl curl jq ripgrep less file which unzip zip zstd cacert pkg-config tree cowsay figlet vim bison flex ]; } ''
    export HOME=$PWD
    git init -q repository
    cd repository
    git -c user.name=n -c user.email=e@example.org commit -q --allow-empty -m first
    [[ $(git log --format=%s | cat) == first ]]
    perl -MPOSIX -MJSON::PP -MDigest::SHA=sha1_hex -e 'print sha1_hex("x"), "\n"'
    curl --version
    rg --version
    which git
    echo x > x; zip -q x.zip x; unzip -l x.zip; zstd -q x
    [[ -s $SSL_CERT_FILE ]]
    file -b ${pkgs.jq}/bin/jq | grep ELF
    cowsay moo
    figlet hi
    vim -es -c q
    printf '%%%%\na: ;\n' > x.y; bison x.y
    flex --version
    touch $out
  '';

  autotools = runCommandCC "autotools" { nativeBuildInputs = with pkgs; [ autoconf automake libtool m4 ]; } ''
    printf 'AC_INIT([x],[1])\nAM_INIT_AUTOMAKE([foreign])\nLT_INIT\nAC_PROG_CC\nAC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n' > configure.ac
    printf 'bin_PROGRAMS=x\nlib_LTLIBRARIES=liby.la\nliby_la_SOURCES=y.c\n' > Makefile.am
    echo 'int main(void) { return 0; }' > x.c
    echo 'int y(void) { return 0; }' > y.c
    autoreconf -i
    ./configure --prefix=$out
    make
    make install
    $out/bin/x
  '';

  cmake = runCommandCC "cmake" { nativeBuildInputs = with pkgs; [ pkgs.cmake ninja ]; } ''
    printf 'cmake_minimum_required(VERSION 3.20)\nproject(z C CXX)\nfind_package(Threads REQUIRED)\nadd_executable(z z.c)\ninstall(TARGETS z)\n' > CMakeLists.txt
    echo 'int main(void) { return 0; }' > z.c
    cmake -G Ninja -B build -DCMAKE_INSTALL_PREFIX=$out .
    ninja -C build install
    $out/bin/z
  '';
}
