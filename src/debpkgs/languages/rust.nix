# Cargo projects as packages: `rustPlatform.buildRustPackage`, arguments as in nixpkgs' manual, "Rust". Crates come from a Cargo.lock
# (`cargoLock.lockFile`), each one fixed-output fetch checked by the lock's own checksum; or from a vendor folder of the sources.
{ lib, stdenv, runCommandLocal, fetchurl, rustc, cargo, cacert, git, crateAddress }:
let
  inherit (lib) optionalString;

  # Where a crate is downloaded: a template such as "https://registry.example/crates/{crate}/{crate}-{version}.crate".
  addressOf = template: crate:
    if template == null then
      throw "importCargoLock: a lock file does not say where crates such as '${crate.name}' are downloaded; name the registry's download address with 'crateAddress' of the set's configuration, or its file 'crates' in the flake's input 'mirror' ({crate} and {version} stand for the crate)"
    else lib.replaceStrings [ "{crate}" "{version}" ] [ crate.name crate.version ] template;

  importCargoLock = { lockFile ? null, lockFileContents ? lib.readFile lockFile, outputHashes ? { }, registries ? { }, crateSources ? { }, ... }:
    let
      lock = builtins.fromTOML lockFileContents;
      foreign = lib.filter (crate: crate ? source) lock.package;
      checksumOf = crate: crate.checksum or lock.metadata."checksum ${crate.name} ${crate.version} (${crate.source})" or (throw "importCargoLock: '${crate.name}' has no checksum in the lock file");
      fetch = crate:
        let id = "${crate.name}-${crate.version}"; in
        if crateSources ? ${id} then crateSources.${id}
        else if lib.hasPrefix "registry+" crate.source || lib.hasPrefix "sparse+" crate.source then
          fetchurl { name = "${id}.tar.gz"; url = addressOf (registries.${crate.source} or crateAddress) crate; sha256 = checksumOf crate; }
        else if lib.hasPrefix "git+" crate.source then
          (let
            parts = builtins.match "git\\+([^?#]+)(\\?[^#]*)?#(.*)" crate.source;
          in
          if outputHashes ? ${id} then builtins.fetchTree { type = "git"; url = builtins.elemAt parts 0; rev = builtins.elemAt parts 2; narHash = outputHashes.${id}; shallow = true; }
          else throw "importCargoLock: '${id}' comes from git (${crate.source}), for which the lock file has no hash; give it as outputHashes.\"${id}\"")
        else throw "importCargoLock: '${id}' comes from a source of unknown kind: '${crate.source}'";
      line = crate: "${crate.name}-${crate.version}\t${fetch crate}\t${if lib.hasPrefix "git+" crate.source then "null" else "\"${checksumOf crate}\""}\n";
      # git sources stand in cargo's configuration under their own names
      gits = lib.unique (map (crate: builtins.head (builtins.match "git\\+([^#]+)#.*" crate.source)) (lib.filter (crate: lib.hasPrefix "git+" crate.source) foreign));
      gitConfig = url:
        let
          parts = builtins.match "([^?]+)(\\?(rev|tag|branch)=(.*))?" url;
        in
        ''

          [source."git+${url}"]
          git = "${builtins.elemAt parts 0}"
          ${optionalString (builtins.elemAt parts 2 != null) ''${builtins.elemAt parts 2} = "${builtins.elemAt parts 3}"''}
          replace-with = "vendored-sources"
        '';
    in
    runCommandLocal "cargo-vendor-dir"
      {
        crates = lib.concatMapStrings line foreign;
        config = ''
          [source.crates-io]
          replace-with = "vendored-sources"
          ${lib.concatMapStrings gitConfig gits}
          [source.vendored-sources]
          directory = "@vendor@"
        '';
        passAsFile = [ "crates" "config" ];
        lock = lockFileContents;
      } ''
      mkdir -p $out/.cargo
      cp "$configPath" $out/.cargo/config.toml
      printf '%s' "$lock" > $out/Cargo.lock
      while IFS=$'\t' read -r id source checksum; do
        if [[ -d $source ]]; then cp -r --no-preserve=mode "$source" "$out/$id"
        else mkdir "$out/$id"; tar xf "$source" --strip-components=1 --no-same-permissions -C "$out/$id"; fi
        chmod -R u+w "$out/$id"
        printf '{"files":{},"package":%s}' "$checksum" > "$out/$id/.cargo-checksum.json"
      done < "$cratesPath"
    '';

  # As cargo downloads it, checked by one hash of everything.
  fetchCargoVendor = { name ? "cargo-deps", src, hash, sourceRoot ? "", cargoRoot ? "", nativeBuildInputs ? [ ], ... }@args:
    stdenv.mkDerivation ({
      inherit name src;
      nativeBuildInputs = [ cargo git cacert ] ++ nativeBuildInputs;
      outputHash = if hash == "" then lib.fakeHash else hash;
      outputHashMode = "recursive";
      impureEnvVars = [ "http_proxy" "https_proxy" "no_proxy" "all_proxy" ];
      dontConfigure = true;
      dontFixup = true;
      buildPhase = ''
        export CARGO_HOME=$TMPDIR/cargo CARGO_HTTP_CAINFO=$SSL_CERT_FILE
        ${optionalString (cargoRoot != "") "cd ${cargoRoot}"}
        mkdir -p $out/.cargo
        cargo vendor --locked $out/vendor > $out/.cargo/config.toml
        mv $out/vendor/* $out/ && rmdir $out/vendor
        sed -i "s|$out/vendor|@vendor@|" $out/.cargo/config.toml
        cp Cargo.lock $out/
      '';
      installPhase = "true";
    } // lib.optionalAttrs (sourceRoot != "") { inherit sourceRoot; });

  buildRustPackage = lib.extendMkDerivation {
    constructDrv = stdenv.mkDerivation;
    excludeDrvArgNames = [ "cargoLock" "cargoHash" "cargoSha256" "cargoDeps" "cargoVendorDir" "useFetchCargoVendor" "useNextest" "auditable" "depsExtraArgs" "logLevel" ];
    extendDrvArgs = final:
      { name ? "${args.pname}-${args.version}"
      , src ? null
      , cargoLock ? null
      , cargoHash ? args.cargoSha256 or null
      , cargoDeps ? null
      , cargoVendorDir ? null
      , buildType ? "release"
      , checkType ? buildType
      , buildFeatures ? [ ]
      , checkFeatures ? buildFeatures
      , buildNoDefaultFeatures ? false
      , buildAndTestSubdir ? null
      , cargoRoot ? null
      , nativeBuildInputs ? [ ]
      , doCheck ? true
      , ...
      }@args:
      let
        deps =
          if cargoDeps != null then cargoDeps
          else if cargoVendorDir != null then null
          else if cargoLock != null then importCargoLock cargoLock
          else if cargoHash != null then fetchCargoVendor { inherit src; name = "${name}-vendor"; hash = cargoHash; sourceRoot = args.sourceRoot or ""; cargoRoot = if cargoRoot == null then "" else cargoRoot; }
          else throw "buildRustPackage: '${name}' says nothing of its crates; give cargoLock.lockFile, cargoHash or cargoVendorDir";
        profile = type: if type == "debug" then "" else "--profile ${type}";
        features = list: optionalString buildNoDefaultFeatures "--no-default-features " + optionalString (list != [ ]) "--features=${lib.concatStringsSep "," list}";
        target = type: "target/${if type == "debug" then "debug" else type}";
        into = optionalString (buildAndTestSubdir != null) "cd ${buildAndTestSubdir}";
      in
      {
        inherit doCheck;
        cargoDeps = deps;
        nativeBuildInputs = nativeBuildInputs ++ [ rustc cargo ];
        configurePhase = args.configurePhase or ''
          runHook preConfigure
          export CARGO_HOME=$TMPDIR/cargo-home CARGO_TARGET_DIR=$PWD/target CARGO_NET_OFFLINE=true
          mkdir -p "$CARGO_HOME"
          if [[ -n ''${cargoDeps-} ]]; then
            cp -r --no-preserve=mode "$cargoDeps" "$TMPDIR/cargo-vendor-dir"
            sed "s|@vendor@|$TMPDIR/cargo-vendor-dir|" "$cargoDeps/.cargo/config.toml" > "$CARGO_HOME/config.toml"
            lock=${optionalString (cargoRoot != null) "${cargoRoot}/"}Cargo.lock
            if [[ ! -f $lock ]]; then cp --no-preserve=mode "$cargoDeps/Cargo.lock" "$lock"
            elif ! cmp -s "$lock" "$cargoDeps/Cargo.lock"; then
              echo "buildRustPackage: $lock of the sources is not the lock file that the crates were fetched by" >&2
              diff "$lock" "$cargoDeps/Cargo.lock" >&2 || true
              exit 1
            fi
          ${optionalString (cargoVendorDir != null) ''
            else
              printf '[source.crates-io]\nreplace-with = "vendored-sources"\n\n[source.vendored-sources]\ndirectory = "%s"\n' "$PWD/${cargoVendorDir}" > "$CARGO_HOME/config.toml"
          ''}
          fi
          runHook postConfigure
        '';
        buildPhase = args.buildPhase or ''
          runHook preBuild
          (${into}
          cargo build -j "$NIX_BUILD_CORES" --frozen ${profile buildType} ${features buildFeatures} ''${cargoBuildFlags-})
          runHook postBuild
        '';
        checkPhase = args.checkPhase or ''
          runHook preCheck
          (${into}
          cargo test -j "$NIX_BUILD_CORES" --frozen ${profile checkType} ${features checkFeatures} ''${cargoTestFlags-} -- ''${checkFlags-})
          runHook postCheck
        '';
        installPhase = args.installPhase or ''
          runHook preInstall
          while IFS= read -r -d "" file; do
            case $file in
              *.so | *.a | *.dylib) install -Dm755 "$file" -t $out/lib ;;
              *) install -Dm755 "$file" -t $out/bin ;;
            esac
          done < <(find ${target buildType} -maxdepth 1 -type f \( -executable -o -name '*.a' \) ! -name '*.d' ! -name '*.rlib' -print0)
          runHook postInstall
        '';
        strictDeps = args.strictDeps or true;
        meta = { mainProgram = args.pname or name; } // args.meta or { };
      };
  };
in
{
  inherit importCargoLock fetchCargoVendor;
  rustPlatform = { inherit buildRustPackage importCargoLock fetchCargoVendor; rust = { inherit rustc cargo; }; };
}
