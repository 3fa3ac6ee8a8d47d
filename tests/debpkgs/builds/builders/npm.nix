# npm: a whole lock file, a project that is bundled, workspaces, programs of the registry.
{ pkgs }:
let
  inherit (pkgs) lib runCommand importNpmLock buildNpmPackage;
  root = ../../../..;

  # Its sources are written here, so that this repository's own checks do not take them for its own.
  bundleSource = pkgs.runCommandLocal "bundle-source" {
    tsconfig = builtins.toJSON {
      compilerOptions = { target = "esnext"; module = "nodenext"; strict = true; noEmit = true; types = [ ]; allowImportingTsExtensions = true; };
      include = [ "src" ];
    };
    main = ''
      #!/usr/bin/env node
      import pc from 'picocolors';
      import { greeting } from './greeting.ts';
      declare const process: { readonly argv: readonly string[] };
      declare const console: { log(text: string): void };
      console.log(pc.createColors(false).bold(greeting(process.argv[2] ?? 'nobody')));
    '';
    greeting = "export const greeting = (name: string): string => `hello \${name}`;\n";
  } ''
    cp -r ${./npm/bundle} $out
    chmod -R u+w $out
    mkdir $out/src
    printf %s "$tsconfig" > $out/tsconfig.json
    printf %s "$main" > $out/src/main.ts
    printf %s "$greeting" > $out/src/greeting.ts
  '';
in
rec {
  # floe's own packages, and its own sources checked with them.
  project-modules = importNpmLock.buildNodeModules { npmRoot = root; };
  project-types = runCommand "project-types" { nativeBuildInputs = [ pkgs.nodejs_26 ]; src = lib.sourceByRegex root [ "src" "src/[a-z/-]+" "src/.*\\.ts" "tsconfig\\.json" "package\\.json" ]; } ''
    cp -r $src/. .
    ln -s ${project-modules}/node_modules node_modules
    node_modules/.bin/tsc -p . --noEmit
    # its install script put the program in the place of the script that looks for it
    head -c4 ${project-modules}/node_modules/esbuild/bin/esbuild | grep -q ELF
    node_modules/.bin/esbuild --version
    node_modules/.bin/node --version
    touch $out
  '';

  bundle = buildNpmPackage {
    pname = "bundle";
    version = "1.2.0";
    src = bundleSource;
    npmDeps = importNpmLock { npmRoot = ./npm/bundle; };
    npmDepsHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    doInstallCheck = true;
    installCheckPhase = ''
      [[ $($out/bin/greet you) == "hello you" ]]
      modules=$out/lib/node_modules/@example/bundle
      [[ $(ls $modules/node_modules) == picocolors && -e $modules/dist/main.js && ! -e $modules/src ]]
    '';
  };

  monorepo = buildNpmPackage {
    pname = "greet";
    version = "1.0.0";
    src = ./npm/monorepo;
    npmWorkspace = "parts/greet";
    dontNpmBuild = true;
    doInstallCheck = true;
    installCheckPhase = ''[[ $($out/bin/greet) == "greet word" ]]'';
  };
  monorepo-modules = runCommand "monorepo-modules" { modules = importNpmLock.buildNodeModules { npmRoot = ./npm/monorepo; }; } ''
    [[ -e $modules/node_modules/picocolors/package.json && $(readlink $modules/node_modules/words) == ../parts/words ]]
    touch $out
  '';

  programs = runCommand "npm-programs" { nativeBuildInputs = with pkgs; [ typescript esbuild prettier eslint pnpm yarn tsx nodejs_26 ]; } ''
    export HOME=$PWD
    echo 'const n: number = 6 ;console.log(n*7)' > a.ts
    prettier a.ts | grep -q '^const n: number = 6;$'
    tsc --target esnext --ignoreConfig a.ts
    [[ $(node a.js) == 42 && $(tsx a.ts) == 42 && $(esbuild --bundle a.ts | node) == 42 ]]
    if printf 'const n: string = 6\n' > b.ts && tsc --noEmit --ignoreConfig b.ts; then exit 1; fi
    echo 'export default [{ rules: { "no-var": "error" } }];' > eslint.config.mjs
    if echo 'var a = 1' > c.js && eslint c.js; then exit 1; fi
    npm --version; pnpm --version; yarn --version
    touch $out
  '';

  # An addon that is compiled when it is installed, with the headers beside node.
  addon = pkgs.stdenv.mkDerivation {
    name = "addon";
    dontUnpack = true;
    nativeBuildInputs = [ pkgs.nodejs_26 pkgs.python3 ];
    buildPhase = ''
      export HOME=$TMPDIR npm_config_offline=true npm_config_nodedir=${pkgs.nodejs_26}
      echo '{ "name": "addon", "version": "1.0.0", "scripts": { "install": "node-gyp rebuild" } }' > package.json
      echo '{ "targets": [{ "target_name": "a", "sources": ["a.c"] }] }' > binding.gyp
      cat > a.c <<'END'
      #include <node_api.h>
      static napi_value init(napi_env env, napi_value exports) {
        napi_value answer;
        napi_create_int32(env, 42, &answer);
        napi_set_named_property(env, exports, "answer", answer);
        return exports;
      }
      NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
      END
      npm run install
      [[ $(node -p 'require("./build/Release/a.node").answer') == 42 ]]
    '';
    installPhase = "touch $out";
  };
}
