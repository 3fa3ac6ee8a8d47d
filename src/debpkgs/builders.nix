# Small builders: text files, scripts, commands, trees of links, fetches. Arguments as in nixpkgs' manual, "Build helpers".
{ lib, stdenv, stdenvNoCC, bash, coreutils, jq, shellcheck, addressOf, storeName, fetchAndChange }:
let
  inherit (lib) optionalAttrs optionalString isString;

  # What a file is called, without the hash of a store path.
  nameOfFile = file: if lib.isDerivation file then file.name else
    let
      base = builtins.unsafeDiscardStringContext (baseNameOf (toString file));
      stripped = builtins.match "[a-z0-9]{32}-(.*)" base;
    in
    if stripped == null then base else lib.head stripped;

  runCommandWith = { name, stdenv ? stdenvNoCC, runLocal ? false, derivationArgs ? { } }: buildCommand:
    stdenv.mkDerivation ({
      enableParallelBuilding = true;
      inherit name buildCommand;
      passAsFile = [ "buildCommand" ] ++ (derivationArgs.passAsFile or [ ]);
    } // optionalAttrs runLocal local // removeAttrs derivationArgs [ "passAsFile" ]);
  local = { preferLocalBuild = true; allowSubstitutes = false; };

  runCommand = name: derivationArgs: runCommandWith { inherit name derivationArgs; };
  runCommandLocal = name: derivationArgs: runCommandWith { inherit name derivationArgs; runLocal = true; };
  runCommandCC = name: derivationArgs: runCommandWith { inherit name derivationArgs stdenv; };

  writeTextFile = { name, text, executable ? false, destination ? "", checkPhase ? "", meta ? { }, passthru ? { }, allowSubstitutes ? false, preferLocalBuild ? true, derivationArgs ? { } }:
    stdenvNoCC.mkDerivation ({
      inherit name text executable destination checkPhase allowSubstitutes preferLocalBuild passthru;
      meta = optionalAttrs (executable && lib.hasPrefix "/bin/" destination) { mainProgram = lib.removePrefix "/bin/" destination; } // meta;
      passAsFile = [ "text" ] ++ (derivationArgs.passAsFile or [ ]);
      buildCommand = ''
        target=$out$destination
        mkdir -p "$(dirname "$target")"
        if [[ -e "''${textPath-}" ]]; then mv "$textPath" "$target"; else printf '%s' "$text" > "$target"; fi
        if [[ -n $executable ]]; then chmod +x "$target"; fi
        eval "$checkPhase"
      '';
    } // removeAttrs derivationArgs [ "passAsFile" ]);

  writeText = name: text: writeTextFile { inherit name text; };
  writeTextDir = path: text: writeTextFile { name = baseNameOf path; inherit text; destination = "/${path}"; };
  writeScript = name: text: writeTextFile { inherit name text; executable = true; };
  writeScriptBin = name: text: writeTextFile { inherit name text; executable = true; destination = "/bin/${name}"; };

  checkSyntax = ''${stdenvNoCC.shell} -n -O extglob "$target"'';
  shebang = "#!${bash}/bin/bash\n";
  writeShellScript = name: text: writeTextFile { inherit name; executable = true; text = shebang + text + "\n"; checkPhase = checkSyntax; };
  writeShellScriptBin = name: text:
    writeTextFile { inherit name; executable = true; destination = "/bin/${name}"; text = shebang + text + "\n"; checkPhase = checkSyntax; };

  # A script with options set, its programs on the path, checked by shellcheck.
  writeShellApplication = { name, text, runtimeInputs ? [ ], runtimeEnv ? { }, meta ? { }, passthru ? { }, checkPhase ? null, derivationArgs ? { }
    , bashOptions ? [ "errexit" "nounset" "pipefail" ], inheritPath ? true, excludeShellChecks ? [ ], extraShellCheckFlags ? [ ] }:
    writeTextFile {
      inherit name meta passthru derivationArgs;
      executable = true;
      destination = "/bin/${name}";
      text = shebang
        + lib.concatMapStrings (option: "set -o ${option}\n") bashOptions
        + lib.concatStrings (lib.mapAttrsToList (key: value: "${lib.toShellVar key value}\nexport ${key}\n") runtimeEnv)
        + optionalString (runtimeInputs != [ ] || !inheritPath) ''

          export PATH="${lib.makeBinPath runtimeInputs}${optionalString inheritPath ":$PATH"}"
        ''
        + "\n${text}\n";
      checkPhase = if checkPhase != null then checkPhase else ''
        ${checkSyntax}
        ${shellcheck}/bin/shellcheck ${optionalString (excludeShellChecks != [ ]) "--exclude ${lib.concatStringsSep "," excludeShellChecks}"} ${lib.escapeShellArgs extraShellCheckFlags} "$target"
      '';
    };

  # Links to the files of several packages in one tree; the first that has a name keeps it.
  symlinkJoin = { name ? "${args.pname}-${args.version}", paths, postBuild ? "", stripPrefix ? "", ... }@args:
    runCommandLocal name
      ({ inherit paths; passAsFile = [ "paths" ]; } // removeAttrs args [ "name" "paths" "postBuild" "stripPrefix" "passAsFile" ])
      ''
        mkdir -p $out
        for package in $(cat "$pathsPath"); do
          if [[ -d $package${stripPrefix} ]]; then
            (cd "$package${stripPrefix}" && find . -type d -print0) | (cd "$out" && xargs -r -0 mkdir -p)
            while IFS= read -r -d "" file; do
              if [[ ! -e $out/$file && ! -L $out/$file ]]; then ln -s "$package${stripPrefix}/$file" "$out/$file"; fi
            done < <(cd "$package${stripPrefix}" && find . -mindepth 1 ! -type d -printf '%P\0')
          fi
        done
        ${postBuild}
      '';

  buildEnv = { name, paths, pathsToLink ? [ "/" ], postBuild ? "", extraPrefix ? "", ignoreCollisions ? false, meta ? { }, passthru ? { }, ... }:
    runCommandLocal name { inherit paths pathsToLink extraPrefix ignoreCollisions meta passthru; } ''
      declare -A owner=()
      for package in $paths; do
        for part in $pathsToLink; do
          [[ $part == / ]] && part=
          [[ -d $package$part ]] || continue
          while IFS= read -r -d "" file; do
            target=$out$extraPrefix$part/$file
            if [[ -n ''${owner[$target]-} ]]; then
              if [[ -z $ignoreCollisions ]] && ! cmp -s "$package$part/$file" "$target"; then
                echo "buildEnv: two packages have '$part/$file': '$package' and '""''${owner[$target]}'" >&2
                exit 1
              fi
              continue
            fi
            owner[$target]=$package
            mkdir -p "''${target%/*}"
            ln -s "$package$part/$file" "$target"
          done < <(cd "$package$part" && find . -mindepth 1 ! -type d -printf '%P\0')
        done
      done
      mkdir -p $out
      ${postBuild}
    '';

  linkFarm = name: entries:
    let
      list = if lib.isList entries then entries else lib.mapAttrsToList (name: path: { inherit name path; }) entries;
    in
    runCommandLocal name { } ''
      mkdir -p $out
      cd $out
      ${lib.concatMapStrings (entry: ''
        mkdir -p "$(dirname ${lib.escapeShellArg entry.name})"
        ln -s ${lib.escapeShellArg "${entry.path}"} ${lib.escapeShellArg entry.name}
      '') list}
    '';

  # A fetch by Nix itself, checked by its hash; `mirror://debian/...` works in floe, and elsewhere where a mirror was named.
  fetchurl = { url ? null, urls ? [ ], hash ? null, sha256 ? null, sha512 ? null, sha1 ? null, md5 ? null, outputHash ? null, outputHashAlgo ? null
    , name ? "", executable ? false, meta ? { }, passthru ? { }, postFetch ? "", recursiveHash ? false, curlOpts ? "", ... }@args:
    let
      all = if url != null then [ url ] ++ urls else urls;
      first = if all == [ ] then throw "fetchurl: neither 'url' nor 'urls' is given" else lib.head all;
      hashes = lib.filter (h: h.value != null) [
        { algorithm = null; value = hash; }
        { algorithm = "sha256"; value = sha256; }
        { algorithm = "sha512"; value = sha512; }
        { algorithm = "sha1"; value = sha1; }
        { algorithm = "md5"; value = md5; }
        { algorithm = outputHashAlgo; value = outputHash; }
      ];
      given = lib.head hashes;
    in
    if lib.length hashes != 1 then throw "fetchurl: '${first}' needs one hash: 'hash', 'sha256' or 'sha512'"
    else if postFetch != "" || curlOpts != "" then fetchAndChange ({ postFetch = ""; } // args)
    else
      lib.extendDerivation { inherit meta passthru; urls = all; } (derivation {
        name = if name != "" then name else storeName (baseNameOf first);
        system = "builtin";
        builder = "builtin:fetchurl";
        url = addressOf first;
        urls = map addressOf all;
        outputHash = if given.value == "" then lib.fakeHash else given.value;
        outputHashAlgo = if given.value == "" then null else given.algorithm;
        outputHashMode = if executable || recursiveHash then "recursive" else "flat";
        inherit executable;
        unpack = false;
        preferLocalBuild = true;
        impureEnvVars = [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" ];
      });

  linkFarmFromDrvs = name: packages: linkFarm name (map (package: { inherit (package) name; path = package; }) packages);

  # Files one after the other.
  concatTextFile = { name, files, executable ? false, destination ? "", checkPhase ? "", meta ? { }, passthru ? { } }:
    runCommandLocal name { inherit files executable destination checkPhase meta passthru; } ''
      target=$out$destination
      mkdir -p "$(dirname "$target")"
      cat $files > "$target"
      if [[ -n $executable ]]; then chmod +x "$target"; fi
      eval "$checkPhase"
    '';
  concatText = name: files: concatTextFile { inherit name files; };
  concatScript = name: files: concatTextFile { inherit name files; executable = true; };

  # A file with "@name@" replaced for each name given; it must be there, and none may be left. A value of null leaves its name as it is.
  replaceVarsWith = { src, replacements, dir ? null, isExecutable ? false, ... }@args:
    let
      name = if args ? pname then "${args.pname}-${args.version}" else args.name or (lib.removeSuffix ".in" (nameOfFile src));
      kept = lib.attrNames (lib.filterAttrs (_: value: value == null) replacements);
      replaced = lib.filterAttrs (_: value: value != null) replacements;
      options = lib.concatStrings (lib.mapAttrsToList (name: value: " --replace-fail ${lib.escapeShellArg "@${name}@"} ${lib.escapeShellArg value}") replaced);
    in
    runCommandLocal name ({ inherit src; passAsFile = [ "options" ]; inherit options; meta = args.meta or { }; } // removeAttrs args [ "src" "replacements" "dir" "isExecutable" "name" "meta" ]) ''
      target=$out${optionalString (dir != null) "/${dir}/${name}"}
      mkdir -p "$(dirname "$target")"
      eval "substitute \"$src\" \"$target\" $(< "$optionsPath")"
      left=$(grep -oE '@[a-zA-Z_][0-9A-Za-z_'"'"'-]*@' "$target" | sort -u | grep -vxF ${lib.concatMapStrings (name: "-e @${name}@ ") kept}-e @@ || true)
      if [[ -n $left ]]; then
        echo "replaceVars: these names of '$src' are not replaced: "$left"; give a value, or null to keep one" >&2
        exit 1
      fi
      ${optionalString isExecutable ''chmod +x "$target"''}
    '';
  replaceVars = src: replacements: replaceVarsWith { inherit src replacements; };
  # The older forms: all variables of the derivation, or words for `substitute`.
  substituteAll = args@{ src, name ? nameOfFile src, dir ? "", isExecutable ? false, ... }:
    runCommandLocal name (removeAttrs args [ "name" "dir" "isExecutable" ]) ''
      target=$out${optionalString (dir != "") "/${dir}/${name}"}
      mkdir -p "$(dirname "$target")"
      substituteAll "$src" "$target"
      ${optionalString isExecutable ''chmod +x "$target"''}
    '';
  substitute = args@{ src, substitutions ? [ ], replacements ? [ ], name ? nameOfFile src, dir ? "", isExecutable ? false, ... }:
    runCommandLocal name { inherit src; } ''
      target=$out${optionalString (dir != "") "/${dir}/${name}"}
      mkdir -p "$(dirname "$target")"
      substitute "$src" "$target" ${lib.escapeShellArgs substitutions} ${toString replacements}
      ${optionalString isExecutable ''chmod +x "$target"''}
    '';

  # Sources as a derivation: patched, or only unpacked.
  applyPatches = { src, name ? (if builtins.typeOf src == "path" then baseNameOf src else if lib.isDerivation src && src ? version && src ? pname then "${src.pname}-${src.version}" else src.name or "source") + "-patched", patches ? [ ], prePatch ? "", postPatch ? "", ... }@args:
    stdenvNoCC.mkDerivation ({
      preferLocalBuild = true;
      allowSubstitutes = false;
      phases = [ "unpackPhase" "patchPhase" "installPhase" ];
      installPhase = "cp -R ./ $out";
    } // removeAttrs args [ "phases" "installPhase" ] // { inherit name; });
  srcOnly = package:
    let it = if lib.isDerivation package then package else stdenv.mkDerivation package; in
    it.overrideAttrs (_: { name = "${it.name}-source"; outputs = [ "out" ]; phases = [ "unpackPhase" "patchPhase" "installPhase" ]; installPhase = "cp -R . $out"; });
  copyPathToStore = path: builtins.path { inherit path; name = baseNameOf path; };

  # What paths need at run time: a list of store paths, and their registrations for `nix-store --load-db`.
  closureInfo = { rootPaths }:
    stdenvNoCC.mkDerivation {
      name = "closure-info";
      __structuredAttrs = true;
      exportReferencesGraph.closure = rootPaths;
      preferLocalBuild = true;
      nativeBuildInputs = [ jq ];
      buildCommand = ''
        out=''${outputs[out]}
        mkdir $out
        jq -r '.closure | map(.narSize) | add // 0' < "$NIX_ATTRS_JSON_FILE" > $out/total-nar-size
        jq -r '.closure | sort_by(.path) | map([.path, .narHash, .narSize, "", (.references | length)] + .references) | add // [] | map("\(.)\n") | add // ""' < "$NIX_ATTRS_JSON_FILE" | head -n -1 > $out/registration
        jq -r '.closure[].path' < "$NIX_ATTRS_JSON_FILE" | sort > $out/store-paths
      '';
    };
  writeClosure = paths: runCommandLocal "runtime-deps" { } "cp ${closureInfo { rootPaths = paths; }}/store-paths $out";

  # A file that nobody may download: it has to be put into the store by hand.
  requireFile = { name ? baseNameOf url, url ? null, message ? null, sha256 ? null, sha1 ? null, hash ? null, hashMode ? "flat" }:
    if message == null && url == null then throw "requireFile: '${name}' gives neither 'url' nor 'message'"
    else
      stdenvNoCC.mkDerivation {
        inherit name;
        outputHashMode = hashMode;
        outputHashAlgo = if hash != null then null else if sha256 != null then "sha256" else "sha1";
        outputHash = if hash != null then hash else if sha256 != null then sha256 else sha1;
        preferLocalBuild = true;
        allowSubstitutes = false;
        text = if message != null then message else "'${name}' cannot be downloaded by itself. Get it from ${url} and add it to the store: nix-store --add-fixed sha256 ${name}\n";
        buildCommand = ''printf '%s\n' "$text" >&2; exit 1'';
      };

  makeSetupHook = { name ? "setup-hook", substitutions ? { }, propagatedBuildInputs ? [ ], passthru ? { }, meta ? { } }: script:
    runCommandLocal name ({ inherit propagatedBuildInputs passthru meta; } // substitutions) ''
      mkdir -p $out/nix-support
      substituteAll ${script} $out/nix-support/setup-hook
      if [[ -n ''${propagatedBuildInputs-} ]]; then echo "$propagatedBuildInputs" > $out/nix-support/propagated-build-inputs; fi
    '';
in
{
  inherit
    runCommandWith runCommand runCommandLocal runCommandCC writeTextFile writeText writeTextDir writeScript writeScriptBin
    writeShellScript writeShellScriptBin writeShellApplication symlinkJoin buildEnv linkFarm linkFarmFromDrvs fetchurl makeSetupHook
    concatTextFile concatText concatScript replaceVarsWith replaceVars substituteAll substitute applyPatches srcOnly copyPathToStore
    closureInfo writeClosure requireFile;
  emptyFile = runCommandLocal "empty-file" { } "touch $out";
  emptyDirectory = runCommandLocal "empty-directory" { } "mkdir $out";
}
