# What single packages need beyond unit.sh's rules. `environment`: "NAME=value" words set for each of a package's programs unless the
# user set the variable; "NAME+=value" puts the value behind the user's. A value is a path inside the unit, or several joined by ":";
# one that starts with "/" is taken as it is. `script`: shell lines run in the unit's folder at the end. `mainProgram`: what `run`
# starts where the index cannot tell. `unpacks`: packages whose files the unit takes a part of. `setupHook`: what a build that has it as
# an input sources. `propagates`: packages that inputs of a build bring along. `redirect`: whether the programs find what they look for
# below /usr through redirect/redirect.c; where it is not said, programs without `environment` do if unit.sh sees a reason. `relocate`:
# "FROM=TO" words, paths compiled into libraries, see redirect/relocate.c; TO is a path inside the unit, or starts with "/".
{ unit }:
let
  # The folder of a program that is not in bin: its programs are linked there.
  programsOf = folder: ''
    mkdir -p bin
    for program in ${folder}/*; do
      if [ ! -e "bin/''${program##*/}" ]; then ln -s "../$program" bin/; fi
    done
  '';
  java = mainProgram: {
    script = programsOf "lib/jvm/java-17-openjdk-amd64/bin" + ''
      rm lib/jvm/java-17-openjdk-amd64/lib/security/cacerts
      bin/java -XX:-UsePerfData ${./java/cacerts.java} ${unit "ca-certificates"}/share/ca-certificates lib/jvm/java-17-openjdk-amd64/lib/security/cacerts
    '';
    inherit mainProgram;
    setupHook = ./java/setup-hook.sh;
  };
  # Fonts, where the user has said nothing of his own: the machine's, and one family of the set.
  fonts = "FONTCONFIG_FILE=${unit "fontconfig-config"}/etc/fonts/fonts.conf";
in
{
  units = {
    bash.script = "ln -s bash bin/sh";

    # C.UTF-8 is a locale that is always there; others are the machine's, or of glibcLocales.
    libc6 = {
      unpacks = [ "libc-bin" ];
      script = "rm -rf bin sbin etc share; find lib/locale -mindepth 1 -maxdepth 1 ! -name C.utf8 -exec rm -rf {} +";
      relocate = [ "/usr/lib/locale=lib/locale:" ];
    };
    libc-bin.script = "rm -rf lib/locale etc/bindresvport.blacklist";
    locales-all = { setupHook = ./hooks/locales.sh; };
    tzdata = {
      setupHook = ./hooks/tzdata.sh;
      # copies of everything in two other ways to count seconds
      script = "rm -rf share/zoneinfo/right share/zoneinfo/posix";
    };
    # Descriptions of the usual terminals.
    libtinfo6 = {
      unpacks = [ "ncurses-base" ];
      script = ''
        rm -rf etc
        mkdir -p share
        if [ -d share/terminfo ]; then cp -r lib/terminfo/. share/terminfo/; else mv lib/terminfo share/; fi
        rm -rf lib/terminfo
        find share -mindepth 1 -maxdepth 1 ! -name terminfo -exec rm -rf {} +
      '';
      relocate = [ "/etc/terminfo:/lib/terminfo:/usr/share/terminfo=/etc/terminfo:/lib/terminfo:/usr/share/terminfo:$out/share/terminfo" ];
    };
    libssl3.relocate = [
      "/usr/lib/ssl/cert.pem=/etc/ssl/certs/ca-certificates.crt" "/usr/lib/ssl/certs=/etc/ssl/certs"
      "/usr/lib/x86_64-linux-gnu/ossl-modules=lib/x86_64-linux-gnu/ossl-modules"
      "/usr/lib/x86_64-linux-gnu/engines-3=lib/x86_64-linux-gnu/engines-3"
    ];
    openssl = { environment = [ "OPENSSL_CONF=etc/ssl/openssl.cnf" ]; mainProgram = "openssl"; };
    fontconfig-config.script = ''
      for name in 10-hinting-slight 10-scale-bitmap-fonts 10-yes-antialias 11-lcdfilter-default 20-unhint-small-vera 30-metric-aliases 40-nonlatin \
        45-generic 45-latin 48-spacing 49-sansserif 50-user 51-local 60-generic 60-latin 65-nonlatin 69-unifont 80-delicious 90-synthetic; do
        ln -sf "../../../share/fontconfig/conf.avail/$name.conf" etc/fonts/conf.d/
      done
      sed -i -e "s|<dir>/usr/share/fonts</dir>|&<dir>${unit "fonts-dejavu-core"}/share/fonts</dir>|" -e "s|>conf.d<|>$out/etc/fonts/conf.d<|" etc/fonts/fonts.conf
    '';

    # lto-dump, 31 MB, shows what only people who work on gcc look at; programs use the shared sanitizers.
    gcc-12 = {
      script = "rm -rf share/gdb share/gcc bin/*lto-dump* lib/gcc/x86_64-linux-gnu/12/lib*san.a";
      mainProgram = "gcc";
    };
    # The compiler's sysroot: gcc looks for headers and start files below it. Linker scripts name the C library by absolute paths.
    libc6-dev.script = ''
      ln -s . usr
      ln -s "$libc/lib64" lib64
      for library in "$libc/$multiarch"/*.so.*; do ln -s "$library" "$multiarch/"; done
      for file in "$multiarch"/*.so "$multiarch"/libm.a; do
        if [ ! -L "$file" ] && grep -q '^GROUP' "$file"; then
          sed -i "s| \(/usr\)\{0,1\}/lib\(64\)\{0,1\}/| $out/lib\2/|g" "$file"
        fi
      done
      rm -f "$multiarch/libg.a"
    '';

    perl = {
      environment = [ "PERL5LIB+=lib/x86_64-linux-gnu/perl-base:lib/x86_64-linux-gnu/perl/5.36:share/perl/5.36:share/perl5" ];
      mainProgram = "perl";
      setupHook = ./hooks/perl.sh;
    };
    python3 = { mainProgram = "python3"; setupHook = ./hooks/python.sh; };
    cmake = { mainProgram = "cmake"; setupHook = ./hooks/cmake.sh; };
    ninja-build = { mainProgram = "ninja"; setupHook = ./hooks/ninja.sh; };
    meson = { mainProgram = "meson"; setupHook = ./hooks/meson.sh; };

    # Whoever builds against a library may want its programs, as with nixpkgs' packages of these names.
    libsqlite3-dev.propagates = [ "sqlite3" ];
    libssl-dev.propagates = [ "openssl" ];
    libxml2-dev.propagates = [ "libxml2-utils" ];
    libncurses-dev.propagates = [ "ncurses-bin" ];

    nodejs = { redirect = true; mainProgram = "node"; };
    ruby = { redirect = true; mainProgram = "ruby"; };
    zsh = { redirect = true; mainProgram = "zsh"; };
    # gdb looks for Python's modules beside itself.
    gdb = {
      script = "mkdir -p lib; ln -s ${unit "python3"}/lib/python3.11 lib/; ln -s ${unit "python3"}/bin/python3.11 bin/python";
      mainProgram = "gdb";
    };
    fd-find = { script = "ln -s fdfind bin/fd"; mainProgram = "fd"; };
    bat = { script = "ln -s batcat bin/bat"; mainProgram = "bat"; };

    git = {
      environment = [ "GIT_EXEC_PATH=lib/git-core" "GIT_TEMPLATE_DIR=share/git-core/templates" ];
      mainProgram = "git";
    };
    # Without its compiled-in folders, which are the machine's.
    pkgconf = { environment = [ "PKG_CONFIG_LIBDIR=lib/pkgconfig:share/pkgconfig" ]; mainProgram = "pkg-config"; };
    file.environment = [ "MAGIC=${unit "libmagic-mgc"}/share/misc/magic" ];
    bison.environment = [ "BISON_PKGDATADIR=share/bison" "M4=${unit "m4"}/bin/m4" ];
    flex.environment = [ "M4=${unit "m4"}/bin/m4" ];
    figlet.environment = [ "FIGLET_FONTDIR=share/figlet" ];
    vim.environment = [ "VIM=share/vim" "VIMRUNTIME=share/vim/vim90" ];
    # It needs the names of functions in the loader, which are in a package of debugging information.
    valgrind = {
      unpacks = [ "libc6-dbg" ];
      environment = [ "VALGRIND_LIB=libexec/valgrind" ];
      script = ''
        # looked for below a copy of the folder that the library is in
        mkdir -p "lib/debuginfo$libc/$multiarch"
        for library in ld-linux-x86-64.so.2 libc.so.6; do
          name=$(strings "$libc/$multiarch/$library" | grep -o '[0-9a-f]\{30,\}\.debug$')
          find lib/debug -name "$name" -exec mv {} "lib/debuginfo$libc/$multiarch/" \;
        done
        # programs of 32 bits, and what tools are made of
        rm -rf lib/debug libexec/valgrind/*-x86-linux "$multiarch/valgrind"
        sed -i "s|^exec [$]0.bin|& --extra-debuginfo-path=$out/lib/debuginfo|" .bin/valgrind
        grep -q extra-debuginfo-path .bin/valgrind
      '';
      mainProgram = "valgrind";
    };
    pandoc = { redirect = true; mainProgram = "pandoc"; };
    # its files are named in its library
    ghostscript = { redirect = true; mainProgram = "gs"; };
    groff-base.environment = [ "GROFF_FONT_PATH=share/groff/1.22.4/font" "GROFF_TMAC_PATH=share/groff/1.22.4/tmac" ];
    "imagemagick-6.q16".environment = [
      fonts
      "MAGICK_CONFIGURE_PATH=${unit "imagemagick-6-common"}/etc/ImageMagick-6"
      "MAGICK_CODER_MODULE_PATH=${unit "libmagickcore-6.q16-6"}/lib/x86_64-linux-gnu/ImageMagick-6.9.11/modules-Q16/coders"
    ];
    # Sources and programs lie in packages of their own; together they are the tree that go looks for.
    "golang-1.19-go" = {
      script = ''
        mkdir -p bin
        for program in go gofmt; do
          printf '#!%s/bin/dash\nexport GOROOT="''${GOROOT-%s}"\nexec %s "$@"\n' "''${essential%% *}" "$out/lib/go-1.19" "$out/lib/go-1.19/bin/$program" > bin/$program
          chmod +x bin/$program
        done
        # the compiler's own packages, 150 MB, are of use to nobody who does not work on it
        rm -rf lib/go-1.19/pkg/*/cmd share/go-1.19/api share/go-1.19/test
      '';
      mainProgram = "go";
    };
    graphviz = {
      environment = [ fonts ];
      # what programs ask for which plug-in to load
      script = "HOME=$work .bin/dot -c";
      mainProgram = "dot";
    };
    nginx = { script = "ln -s etc/nginx conf"; mainProgram = "nginx"; };
    # The server with the programs of its clients; without the compiler of queries, whose LLVM is twice as large as all the rest.
    postgresql-15 = {
      script = programsOf "lib/postgresql/15/bin" + ''
        rm -rf lib/postgresql/15/lib/bitcode lib/postgresql/15/lib/llvmjit*
        for program in ${unit "postgresql-client-15"}/lib/postgresql/15/bin/*; do
          if [ ! -e "bin/''${program##*/}" ]; then ln -s "$program" bin/; fi
        done
      '';
      mainProgram = "postgres";
      # time zones
      redirect = true;
    };
    postgresql-client-15 = { script = programsOf "lib/postgresql/15/bin"; mainProgram = "psql"; };
    openjdk-17-jre-headless = java "java";
    # Programs of the JDK look for the JRE around themselves.
    # jmods, 75 MB, hold programs that know nothing of the store.
    openjdk-17-jdk-headless = java "javac" // {
      unpacks = [ "openjdk-17-jre-headless" ];
      script = "rm -rf lib/jvm/*/jmods\n" + (java "javac").script;
    };
  };
}
