# The standard environment: setup.sh with the set's tools on its path, and mkDerivation, whose arguments mean what they mean in nixpkgs.
{ lib, system, bash, coreutils, initialPath, cc ? null, extraNativeInputs ? [ ], name ? "stdenv", seed }:
let
  shell = "${bash}/bin/bash";

  setup = derivation {
    inherit name system initialPath shell;
    builder = "${seed}/bin/busybox";
    args = [ "sh" "-euc" ''
      mkdir -p "$out"
      {
        printf 'initialPath="%s"\nshell=%s\ndefaultNativeBuildInputs="%s"\n' "$initialPath" "$shell" "$defaultNativeInputs"
        cat "$setup" "$fixup" | sed "s|@storeDir@|$storeDir|"
      } > "$out/setup"
      true
    '' ];
    inherit (builtins) storeDir;
    defaultNativeInputs = lib.optional (cc != null) cc ++ extraNativeInputs;
    setup = ./setup.sh;
    fixup = ./fixup.sh;
  };

  dependencyLists = [
    "depsBuildBuild" "nativeBuildInputs" "depsBuildTarget" "depsHostHost" "buildInputs" "depsTargetTarget"
    "depsBuildBuildPropagated" "propagatedNativeBuildInputs" "depsBuildTargetPropagated" "depsHostHostPropagated" "propagatedBuildInputs"
    "depsTargetTargetPropagated"
  ];

  # Attributes that are for Nix code and not for the builder.
  notForBuilder = [ "meta" "passthru" "env" "pos" ];

  derivationArgumentsOf = args:
    let
      name = args.name or (
        if args ? pname then "${args.pname}-${args.version or (throw "mkDerivation: '${args.pname}' has a 'pname' but no 'version'")}"
        else throw "mkDerivation: the derivation has neither 'name' nor 'pname' and 'version'"
      );
      isStructured = args.__structuredAttrs or false;
      clash = lib.attrNames (lib.intersectAttrs (args.env or { }) (removeAttrs args notForBuilder));
      variable = key: value:
        if lib.isString value || lib.isBool value || lib.isInt value || lib.isDerivation value || lib.isPath value then value
        else throw "mkDerivation: '${name}': 'env.${key}' is ${lib.typeOf value}; a variable is a string, a number, a Boolean or a derivation";
      dependencies = lib.genAttrs (lib.filter (list: args ? ${list}) dependencyLists) (list: map (dependencyOf name list) (lib.filter (x: x != null) (lib.flatten args.${list})));
    in
    if clash != [ ] then throw "mkDerivation: '${name}' sets '${lib.head clash}' both directly and in 'env'"
    else
      removeAttrs args (notForBuilder ++ dependencyLists)
      // {
        inherit name system;
        stdenv = setup;
        builder = args.realBuilder or shell;
        args = args.args or [ "-e" (args.builder or ./builder.sh) ];
        outputs = args.outputs or [ "out" ];
        strictDeps = args.strictDeps or false;
        __ignoreNulls = true;
      }
      // dependencies
      // (if isStructured then { env = lib.mapAttrs variable (args.env or { }); } else lib.mapAttrs variable (args.env or { }));

  # What a dependency list takes: a derivation's development output, a path, or text with a store path.
  dependencyOf = name: list: input:
    if lib.isDerivation input then lib.getDev input
    else if lib.isString input || lib.isPath input then input
    else throw "mkDerivation: '${name}': an element of '${list}' is ${lib.typeOf input}, neither a derivation nor a path";

  # From arguments that may refer to the finished package: `overrideAttrs` extends the function and evaluates it anew.
  fromFunction = function:
    let
      # What the function sees of itself: its arguments as they end up, and the finished package.
      args = function (args // { inherit finalPackage; inherit (extras) overrideAttrs; });
      raw = derivation (removeAttrs (derivationArgumentsOf args) [ "realBuilder" ]);
      extras = {
        inherit stdenv;
        meta = { inherit (raw) name; } // lib.optionalAttrs (args ? version) { inherit (args) version; } // { platforms = [ system ]; outputsToInstall = [ (lib.head raw.outputs) ]; } // (args.meta or { });
        passthru = args.passthru or { };
        overrideAttrs = change: fromFunction (final:
          let
            previous = function final;
            changed = if lib.isFunction change then (let once = change final; in if lib.isFunction once then once previous else change previous) else change;
          in
          previous // changed);
        inherit (derivationArgumentsOf args) name;
        drvAttrs = raw.drvAttrs;
        # everything a build of the package takes, as one file: what to keep for working on it offline
        inputDerivation = derivation (removeAttrs (derivationArgumentsOf args) [ "realBuilder" "allowedReferences" "allowedRequisites" "disallowedReferences" "disallowedRequisites" "outputHash" "outputHashAlgo" "outputHashMode" ] // {
          name = raw.name + "-inputs";
          outputs = [ "out" ];
          args = [ "-c" "export > $out" ];
        });
      } // lib.optionalAttrs (args ? pname) { inherit (args) pname; } // lib.optionalAttrs (args ? version) { inherit (args) version; };
      finalPackage = lib.extendDerivation (extras // (args.passthru or { })) raw;
    in
    finalPackage;

  mkDerivation = argument: fromFunction (if lib.isFunction argument then argument else _: argument);

  stdenv = setup // {
    inherit mkDerivation cc shell system initialPath;
    hostPlatform = lib.platformOf system;
    buildPlatform = lib.platformOf system;
    targetPlatform = lib.platformOf system;
    isLinux = true;
    isDarwin = false;
    is64bit = true;
    meta.platforms = [ system ];
  };
in
stdenv
