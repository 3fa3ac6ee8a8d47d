# PHP with extensions: `php.withExtensions ({ enabled, all }: enabled ++ [ all.intl ])`, `php.buildEnv { extensions = ...; extraConfig = ...; }`,
# as in nixpkgs' manual; `all.NAME` is Debian's php8.2-NAME or php-NAME. Its own are those that most programs expect.
{ lib, debpkgs, runCommandLocal, bash }:
let
  interpreter = debpkgs.package "php8.2-cli";
  prefix = name: lib.findFirst (start: lib.hasPrefix start name) null [ "php8.2-" "php-" ];
  all = lib.listToAttrs (map (name: { name = lib.removePrefix (prefix name) name; value = debpkgs.package name; })
    (lib.filter (name: prefix name != null) (lib.reverseList debpkgs.index.names)));
  enabled = map (name: all.${name}) [ "common" "opcache" "readline" "mbstring" "xml" "curl" "zip" "sqlite3" "bcmath" ];

  buildEnv = { extensions ? ({ enabled, ... }: enabled), extraConfig ? "" }:
    let chosen = extensions { inherit enabled all; }; in
    runCommandLocal "php-with-extensions-${lib.head (lib.splitString "-" interpreter.version)}"
      {
        inherit extraConfig chosen;
        passAsFile = [ "extraConfig" ];
        meta.mainProgram = "php";
        passthru = {
          inherit buildEnv;
          inherit (interpreter) version;
          extensions = all;
          unwrapped = interpreter;
          withExtensions = more: buildEnv { extensions = { all, ... }: more { enabled = chosen; inherit all; }; inherit extraConfig; };
        };
      }
      ''
        mkdir -p $out/bin $out/lib
        for unit in ${interpreter} $chosen; do
          for file in $unit/share/php8.2-*/*/*.ini $unit/share/php-*/*/*.ini; do
            [[ -e $file ]] || continue
            [[ $(< "$file") =~ priority=([0-9]+) ]] && order=''${BASH_REMATCH[1]} || order=20
            # an extension is a file of the same unit
            sed "s|extension=\([a-z_0-9]*\)\(\.so\)\{0,1\}$|extension=$unit/lib/php/20220829/\1.so|" "$file" > $out/lib/$order-''${file##*/}
          done
        done
        cat "$extraConfigPath" > $out/lib/99-extra.ini
        for program in ${interpreter}/bin/*; do
          name=''${program##*/}
          printf '#!%s/bin/bash\nexport PHP_INI_SCAN_DIR="''${PHP_INI_SCAN_DIR-%s/lib}"\nexec %s "$@"\n' ${bash} $out "$program" > $out/bin/$name
          chmod +x $out/bin/$name
        done
        [[ -e $out/bin/php ]] || ln -s php8.2 $out/bin/php
      '';
in
buildEnv { }
