# Small builders: text files, scripts, commands, trees of links, fetches. Arguments as in nixpkgs' manual, "Build helpers".
{ lib, stdenv, stdenvNoCC, bash, coreutils, mirror, storeName }:
let
  inherit (lib) optionalAttrs optionalString isString;

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

  # A script with options set, its programs on the path and its syntax checked.
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
      checkPhase = if checkPhase == null then checkSyntax else checkPhase;
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
    , name ? "", executable ? false, meta ? { }, passthru ? { }, postFetch ? "", recursiveHash ? false, curlOpts ? "", ... }:
    let
      all = if url != null then [ url ] ++ urls else urls;
      real = address: if lib.hasPrefix "mirror://debian/" address then "${mirror}/${lib.removePrefix "mirror://debian/" address}" else address;
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
    else if postFetch != "" then throw "fetchurl: 'postFetch' is not supported for '${first}': the fetch is done by Nix itself; unpack or change the file in a derivation of its own"
    else
      lib.extendDerivation { inherit meta passthru; urls = all; } (derivation {
        name = if name != "" then name else storeName (baseNameOf first);
        system = "builtin";
        builder = "builtin:fetchurl";
        url = real first;
        urls = map real all;
        outputHash = if given.value == "" then lib.fakeHash else given.value;
        outputHashAlgo = if given.value == "" then null else given.algorithm;
        outputHashMode = if executable || recursiveHash then "recursive" else "flat";
        inherit executable;
        unpack = false;
        preferLocalBuild = true;
        impureEnvVars = [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" ];
      });

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
    writeShellScript writeShellScriptBin writeShellApplication symlinkJoin buildEnv linkFarm fetchurl makeSetupHook;
  emptyFile = runCommandLocal "empty-file" { } "touch $out";
  emptyDirectory = runCommandLocal "empty-directory" { } "mkdir $out";
}
