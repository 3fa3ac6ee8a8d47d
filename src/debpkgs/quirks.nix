# What single packages need beyond unit.sh's rules. `environment`: "NAME=path" lines, paths inside the unit, set for each of its programs
# unless the user set the variable; "NAME+=path" puts the unit's path behind the user's. `script`: shell lines run in the unit's folder
# at the end. `mainProgram`: what `run` starts where the index cannot tell.
{
  seedHash = "sha256-SUza0DfPfQp17oFvwGC5JmPeEwlgKv9DwvnOVdreTEA=";
  units = {
    gcc-12 = { script = "rm -rf share/gdb share/gcc"; mainProgram = "gcc"; };
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
    };
    python3 = { mainProgram = "python3"; };
    git.environment = [ "GIT_EXEC_PATH=lib/git-core" "GIT_TEMPLATE_DIR=share/git-core/templates" ];
    bash.script = "ln -s bash bin/sh";
  };
}
