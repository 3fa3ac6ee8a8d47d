# What single packages need beyond unit.sh's rules. `environment`: "NAME=value" words set for each of a package's programs unless the
# user set the variable; "NAME+=value" puts the value behind the user's. A value is a path inside the unit, or several joined by ":";
# one that starts with "/" is taken as it is. `script`: shell lines run in the unit's folder at the end. `mainProgram`: what `run`
# starts where the index cannot tell. `redirect`: the programs find what they look for below /usr through redirect/redirect.c.
{ unit }:
let
  javaPrograms = ''
    mkdir -p bin
    for program in lib/jvm/java-17-openjdk-amd64/bin/*; do
      if [ ! -e "bin/''${program##*/}" ]; then ln -s "../$program" bin/; fi
    done
  '';
  postgresPrograms = ''
    mkdir -p bin
    for program in lib/postgresql/15/bin/*; do ln -sf "../$program" bin/; done
  '';
in
{
  units = {
    bash.script = "ln -s bash bin/sh";

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
      script = ''
        mkdir -p nix-support
        cat > nix-support/setup-hook <<'END'
        _addPerlModules() {
          addToSearchPath PERL5LIB "$1/share/perl5"
          addToSearchPath PERL5LIB "$1/lib/x86_64-linux-gnu/perl5/5.36"
          addToSearchPath PERL5LIB "$1/lib/perl5/site_perl"
        }
        addEnvHooks "$hostOffset" _addPerlModules
        END
      '';
    };
    python3 = {
      mainProgram = "python3";
      script = ''
        mkdir -p nix-support
        cat > nix-support/setup-hook <<'END'
        _addPythonModules() {
          addToSearchPath PYTHONPATH "$1/lib/python3/dist-packages"
          addToSearchPath PYTHONPATH "$1/lib/python3.11/site-packages"
        }
        addEnvHooks "$hostOffset" _addPythonModules
        export DETERMINISTIC_BUILD=1 PYTHONHASHSEED=0 PYTHONNOUSERSITE=1
        END
      '';
    };

    nodejs = { redirect = true; mainProgram = "node"; };
    ruby = { redirect = true; mainProgram = "ruby"; };
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
    valgrind.environment = [ "VALGRIND_LIB=libexec/valgrind" ];
    groff-base.environment = [ "GROFF_FONT_PATH=share/groff/1.22.4/font" "GROFF_TMAC_PATH=share/groff/1.22.4/tmac" ];
    "imagemagick-6.q16".environment = [
      "MAGICK_CONFIGURE_PATH=${unit "imagemagick-6-common"}/etc/ImageMagick-6"
      "MAGICK_CODER_MODULE_PATH=${unit "libmagickcore-6.q16-6"}/lib/x86_64-linux-gnu/ImageMagick-6.9.11/modules-Q16/coders"
    ];
    # Sources and programs lie in packages of their own; together they are the tree that go looks for.
    "golang-1.19-go".script = ''
      mkdir -p bin
      for program in go gofmt; do
        sed -i "2i export GOROOT=\"\\''${GOROOT-$out/lib/go-1.19}\"" lib/go-1.19/bin/$program
        ln -s ../lib/go-1.19/bin/$program bin/
      done
    '';
    postgresql-15.script = postgresPrograms;
    postgresql-client-15.script = postgresPrograms;
    openjdk-17-jre-headless.script = javaPrograms;
    openjdk-17-jdk-headless.script = javaPrograms;
  };
}
