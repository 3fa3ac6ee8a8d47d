# Go modules as packages: `buildGoModule`, arguments as in nixpkgs' manual, "Go". With `vendorHash = null` the sources bring their vendor
# folder along; otherwise `go mod vendor` downloads it, checked by that hash.
{ lib, stdenv, go, cacert, git }:
let
  common = ''
    export HOME=$TMPDIR GOPATH=$TMPDIR/go GOCACHE=$TMPDIR/go-cache GOTOOLCHAIN=local GOTELEMETRY=off
  '';
in
{
  buildGoModule = lib.extendMkDerivation {
    constructDrv = stdenv.mkDerivation;
    excludeDrvArgNames = [ "vendorHash" "vendorSha256" "overrideModAttrs" "proxyVendor" "deleteVendor" "allowGoReference" "CGO_ENABLED" ];
    extendDrvArgs = final:
      { name ? "${args.pname}-${args.version}"
      , vendorHash ? args.vendorSha256 or (throw "buildGoModule: 'vendorHash' is missing; it is null where the sources have a vendor folder")
      , modRoot ? "./"
      , subPackages ? null
      , excludedPackages ? [ ]
      , ldflags ? [ ]
      , tags ? [ ]
      , GOFLAGS ? [ ]
      , CGO_ENABLED ? args.env.CGO_ENABLED or null
      , deleteVendor ? false
      , proxyVendor ? false
      , nativeBuildInputs ? [ ]
      , doCheck ? true
      , ...
      }@args:
      let
        modules = stdenv.mkDerivation ({
          name = "${name}-go-modules";
          inherit (args) src;
          patches = args.patches or [ ];
          prePatch = args.prePatch or "";
          postPatch = args.postPatch or "";
          sourceRoot = args.sourceRoot or "";
          nativeBuildInputs = [ go git cacert ];
          outputHash = if vendorHash == "" then lib.fakeHash else vendorHash;
          outputHashMode = "recursive";
          impureEnvVars = [ "GOPROXY" "GONOSUMDB" "GOSUMDB" "GOFLAGS" "http_proxy" "https_proxy" "no_proxy" "all_proxy" ];
          dontConfigure = true;
          dontFixup = true;
          buildPhase = common + ''
            export SSL_CERT_FILE=''${SSL_CERT_FILE-} GIT_SSL_CAINFO=''${SSL_CERT_FILE-}
            cd ${modRoot}
            ${lib.optionalString deleteVendor "rm -rf vendor"}
            if [[ -d vendor ]]; then echo "buildGoModule: the sources have a vendor folder; 'vendorHash = null' uses it" >&2; exit 1; fi
            go mod vendor
            mkdir -p vendor
          '';
          installPhase = "cp -r vendor $out";
        } // lib.optionalAttrs (args.sourceRoot or "" == "") { sourceRoot = null; });
      in
      if proxyVendor then throw "buildGoModule: 'proxyVendor' is not supported by this set; '${name}'"
      else {
        inherit doCheck;
        nativeBuildInputs = [ go ] ++ nativeBuildInputs;
        env = args.env or { } // { CGO_ENABLED = if CGO_ENABLED == null then "1" else toString CGO_ENABLED; };
        vendor = if vendorHash == null then "" else modules;
        goFlags = [ "-mod=vendor" "-trimpath" ] ++ lib.toList GOFLAGS;
        goLinkFlags = lib.concatStringsSep " " (map toString ldflags);
        goTags = lib.concatStringsSep "," tags;
        subPackages = lib.concatStringsSep " " (if subPackages == null then [ ] else subPackages);
        excludedPackages = lib.concatStringsSep "|" (lib.toList excludedPackages);
        configurePhase = args.configurePhase or ''
          runHook preConfigure
          ${common}
          cd ${modRoot}
          if [[ -n $vendor ]]; then rm -rf vendor; cp -r --no-preserve=mode "$vendor" vendor; fi
          export GOFLAGS="$goFlags" GOPROXY=off GOSUMDB=off
          # folders with Go files, apart from those of others
          goFolders() {
            if [[ -n $subPackages ]]; then echo "$subPackages" | tr ' ' '\n'
            else find . -type f -name "*$1.go" -printf '%h\n' | grep -vE '/(vendor|testdata|_[^/]*|\.[^/]+)(/|$)' | sort -u; fi \
              | if [[ -n $excludedPackages ]]; then grep -vE "$excludedPackages"; else cat; fi
          }
          runHook postConfigure
        '';
        buildPhase = args.buildPhase or ''
          runHook preBuild
          goFolders "" | while read -r folder; do
            go install ''${goTags:+-tags=$goTags} ''${goLinkFlags:+-ldflags="$goLinkFlags"} -p "$NIX_BUILD_CORES" "./''${folder#./}"
          done
          runHook postBuild
        '';
        checkPhase = args.checkPhase or ''
          runHook preCheck
          goFolders _test | while read -r folder; do
            go test ''${goTags:+-tags=$goTags} -p "$NIX_BUILD_CORES" ''${checkFlags-} "./''${folder#./}"
          done
          runHook postCheck
        '';
        installPhase = args.installPhase or ''
          runHook preInstall
          mkdir -p $out
          if [[ -d $GOPATH/bin ]]; then cp -r "$GOPATH/bin" $out/; fi
          runHook postInstall
        '';
        # a program does not need the compiler
        disallowedReferences = lib.optional (!(args.allowGoReference or false)) go;
        passthru = args.passthru or { } // { inherit go vendorHash; goModules = if vendorHash == null then null else modules; };
        meta = { mainProgram = args.pname or name; } // args.meta or { };
      };
  };
}
