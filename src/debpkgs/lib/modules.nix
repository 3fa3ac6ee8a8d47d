# The module system: `evalModules` merges what modules define with what they declare. Behaviour follows nixpkgs' manual ("Module System")
# and NixOS' ("Writing NixOS Modules"). A definition may be wrapped: mkIf, mkMerge, mkOverride and mkOrder are sets with a `_type`.
{ lib }:
let
  inherit (builtins) addErrorContext all any attrNames concatLists concatMap elem filter foldl' head isAttrs isList isString length mapAttrs removeAttrs seq tail typeOf zipAttrsWith;
  inherit (lib) isFunction showFiles showOption showDefs;

  typeOfDef = value: if isAttrs value then value._type or "" else "";
  isOption = value: isAttrs value && value._type or "" == "option";
  unknownModule = "<unknown-file>";
  # a definition that is a set by itself may still be an option type or the like
  showValue = lib.generators.toPretty { };

  evalModules =
    evalArgs@{ modules, prefix ? [ ], specialArgs ? { }, class ? null, modulesLocation ? null, ... }:
    let
      extendModules = extra@{ modules ? [ ], specialArgs ? { }, prefix ? evalArgs.prefix or [ ] }:
        evalModules (evalArgs // {
          inherit prefix;
          modules = evalArgs.modules ++ modules;
          specialArgs = evalArgs.specialArgs or { } // specialArgs;
        });
      type = lib.types.submoduleWith { inherit modules specialArgs class; };

      internal = { config, ... }: {
        _file = "lib/modules.nix";
        key = "lib/modules.nix";
        options._module = {
          args = lib.mkOption {
            type = lib.types.lazyAttrsOf lib.types.raw;
            description = "Additional arguments passed to each module.";
            ${if prefix == [ ] then null else "internal"} = true;
          };
          check = lib.mkOption { type = lib.types.bool; internal = true; default = true; description = "Whether to check whether all option definitions have matching declarations."; };
          freeformType = lib.mkOption {
            type = lib.types.nullOr lib.types.optionType;
            internal = true;
            default = null;
            description = "If set, merge all definitions that have no associated option together using this type.";
          };
          specialArgs = lib.mkOption { readOnly = true; internal = true; type = lib.types.raw; description = "Externally provided module arguments that can't be modified from within a configuration, but can be used in module imports."; };
        };
        config._module = {
          args = { inherit extendModules; moduleType = type; };
          inherit specialArgs;
        };
      };

      collected = collectModules class (specialArgs.modulesPath or "") (modules ++ [ internal ])
        ({ inherit config options specialArgs; _class = class; _prefix = prefix; lib = specialArgs.lib or lib; } // specialArgs);
      merged = mergeModules prefix (lib.reverseList collected);
      options = merged.matchedOptions;

      declared = lib.mapAttrsRecursiveCond (value: !(isOption value)) (_: value: value.value) options;
      freeform = declared._module.freeformType;
      strays = map (def: { inherit (def) file; value = lib.setAttrByPath def.prefix def.value; }) merged.unmatchedDefns;
      config =
        if freeform == null then declared
        else lib.recursiveUpdate (if strays == [ ] then { } else freeform.merge prefix strays) declared;

      unmatched =
        if declared._module.check && freeform == null && merged.unmatchedDefns != [ ] then
          let
            first = head merged.unmatchedDefns;
            text = showOption (prefix ++ first.prefix);
            defs = " Definition values:${addErrorContext "while evaluating the error message for definitions for `${text}', which is an option that does not exist" (addErrorContext "while evaluating a definition from `${first.file}'" (showDefs [ first ]))}";
            near = lib.dropEnd 1 first.prefix;
            there = lib.attrByPath near null options;
          in
          if attrNames options == [ "_module" ] then
            # no option at all: most often `config` was meant where `options` stands
            throw "The option `${text}' does not exist.${defs}\n\nHowever there are no options defined in `${showOption prefix}'. Are you sure you've declared your options properly? This can happen if you e.g. declared your options in `types.submodule' under `config' rather than `options'."
          else
            throw "The option `${text}' does not exist.${defs}${
              if isAttrs there && !(isOption there) && attrNames there != [ ] then "\n\nOptions there: ${lib.concatMapStringsSep ", " (name: "`${showOption (prefix ++ near ++ [ name ])}'") (lib.take 20 (filter (name: name != "_module") (attrNames there)))}" else ""
            }"
        else null;
      checked = seq unmatched;
    in
    {
      _type = "configuration";
      options = checked options;
      config = checked (removeAttrs config [ "_module" ]);
      _module = checked config._module;
      inherit extendModules type class;
    };

  # --- collecting ----------------------------------------------------------------------------------------------------------------

  # All modules and what they import, each once, without those that are disabled.
  collectModules = class: modulesPath: initial: args:
    let
      load = parentFile: key: module:
        let into = if args._prefix or [ ] == [ ] then parentFile else "${parentFile}, while trying to load a module into ${showOption args._prefix}"; in
        if isFunction module then unify parentFile key (applyModuleArgs key module args)
        else if isAttrs module then
          (if elem (module._type or "module") [ "if" "override" "merge" "order" "definition" ] then unify parentFile key { config = module; }
          else if module._type or "module" == "configuration" then throw "Expected a module, but found a value of type \"configuration\", while trying to load a module into ${into}. A whole configuration, the result of evalModules, cannot be imported; please only import the modules that make up the configuration"
          else if module._type or "module" == "flake" then throw "Expected a module, but found a value of type \"flake\", while trying to load a module into ${into}; name one of its outputs, such as nixosModules.default"
          else if module._type or "module" != "module" then throw "Expected a module, but found a value of type \"${module._type}\", while trying to load a module into ${into}"
          else unify parentFile key module)
        else if isList module then unify parentFile key { imports = [ { _file = parentFile; imports = module; } ]; }
        else if isString module || builtins.isPath module then unify (toString module) (toString module) (applyModuleArgsIfFunction (toString module) (import module) args)
        else throw "Module imports can't be ${typeOf module}; in ${parentFile}";

      checkClass = module:
        if class != null && module._class != null && module._class != class then
          throw "The module `${module._file or module.key}` (class: ${showValue module._class}) cannot be imported into a module evaluation that expects class ${showValue class}."
        else module;

      structure = parentFile: parentKey: list: lib.imap1
        (n: entry:
          let module = checkClass (load parentFile "${parentKey}:anon-${toString n}" entry); in
          {
            inherit (module) key;
            inherit module;
            children = structure module._file module.key module.imports;
          })
        list;
      tree = structure unknownModule "" initial;
      flat = nodes: concatMap (node: [ node ] ++ flat node.children) nodes;

      keyOf = file: disabled:
        if isString disabled then (if lib.hasPrefix "/" disabled then disabled else "${toString modulesPath}/${disabled}")
        else if isAttrs disabled && disabled ? key then disabled.key
        else if isAttrs disabled && !(disabled ? outPath) then throw "Module `${file}` contains a disabledModules item that is an attribute set, presumably a module, that does not have a `key` attribute. Such a module can't be disabled"
        else if lib.isConvertibleWithToString disabled && !(isList disabled) then toString disabled
        else throw "Module `${file}` contains a disabledModules item of type ${typeOf disabled}; it is a path, text or a module with a `key`";
      disabledKeys = concatMap (node: map (keyOf node.module._file) node.module.disabledModules) (flat tree);
      kept = filter (node: !(elem node.key disabledKeys));
    in
    map (node: node.module) (builtins.genericClosure { startSet = kept tree; operator = node: kept node.children; });

  ownAttributes = [ "_class" "_file" "key" "disabledModules" "imports" "options" "config" "meta" "freeformType" ];

  # Any form of a module as { _class _file key disabledModules imports options config }.
  unify = file: key: module:
    let
      withMeta = config: if module ? meta then lib.mkMerge [ config { inherit (module) meta; } ] else config;
      withFreeform = config: if module ? freeformType then lib.mkMerge [ config { _module.freeformType = module.freeformType; } ] else config;
      basics = {
        _class = module._class or null;
        _file = toString module._file or file;
        key = toString module.key or key;
        disabledModules = module.disabledModules or [ ];
      };
      wrong = removeAttrs module ownAttributes;
    in
    if !(isAttrs module) then throw "module ${file} (${key}) does not look like a module: it is ${typeOf module}"
    else if module ? config || module ? options then
      (if wrong != { } then
        throw "Module `${key}' has an unsupported attribute `${head (attrNames wrong)}'. This is caused by introducing a top-level `config' or `options' attribute. Add configuration attributes immediately on the top level instead, or move all of them (namely: ${toString (attrNames wrong)}) into the explicit `config' attribute."
      else basics // { imports = module.imports or [ ]; options = module.options or { }; config = withFreeform (withMeta (module.config or { })); })
    else
      basics // {
        imports = module.require or [ ] ++ module.imports or [ ];
        options = { };
        config = withFreeform (removeAttrs module [ "_class" "_file" "key" "disabledModules" "require" "imports" "freeformType" ]);
      };
  unifyModuleSyntax = unify;

  applyModuleArgsIfFunction = key: f: args: if isFunction f then applyModuleArgs key f args else f;
  # A module's arguments by their names: those of the evaluation, else those that modules define (`_module.args`).
  applyModuleArgs = key: f: args:
    let
      named = mapAttrs
        (name: _: addErrorContext "while evaluating the module argument `${name}' in \"${key}\":" (args.${name} or (addErrorContext "the argument `${name}` is given by none but modules (`_module.args`), which needs `config`; if you get an infinite recursion here, it decides about `imports` or about which options there are" args.config._module.args.${name})))
        (lib.functionArgs f);
    in
    f (args // named);

  # --- merging -------------------------------------------------------------------------------------------------------------------

  mergeModules = prefix: modules:
    mergeModules' prefix modules (concatMap (module: map (config: { file = module._file; inherit config; }) (pushDownProperties module.config)) modules);

  mergeModules' = prefix: modules: configs:
    let
      declarations = zipAttrsWith (_: values: values) (map
        (module:
          if !(isAttrs module.options) then
            throw "The option tree of module '${module._file}' at `${showOption prefix}' is ${typeOf module.options}, not a set of options (is it a type?)"
          else if module.options._type or null == "option-type" then
            throw "In module ${module._file}: expected an option declaration at option path `${showOption prefix}` but got an attribute set with type option-type. An option type was used where an option (mkOption) was meant"
          else mapAttrs (name: option: { inherit (module) _file; pos = builtins.unsafeGetAttrPos name module.options; options = option; }) module.options)
        modules);

      checkedConfigs = map
        (module:
          if isAttrs module.config then module
          else throw "In module `${module.file}', you're trying to define a value of type `${typeOf module.config}'\nrather than an attribute set for the option\n`${showOption prefix}'!\n\nThis usually happens if `${showOption prefix}' has option definitions inside that are not matched. Please check how to properly define this option by e.g. referring to `man 5 configuration.nix'!")
        configs;
      # As they stand, for options; and with mkIf and the like moved inwards, for sets of options.
      raw = zipAttrsWith (_: values: values) (map (module: mapAttrs (_: value: { inherit (module) file; inherit value; }) module.config) checkedConfigs);
      pushed = zipAttrsWith (_: concatLists) (map (module: mapAttrs (_: value: map (config: { inherit (module) file; inherit config; }) (pushDownProperties value)) module.config) checkedConfigs);

      results = mapAttrs
        (name: decls:
          let
            loc = prefix ++ [ name ];
            ofOptions = filter (decl: isOption decl.options) decls;
            option = value: { matchedOptions = evalOptionValue loc (fixupOptionType loc (mergeOptionDecls loc value)) (raw.${name} or [ ]); unmatchedDefns = [ ]; };
            # options declared below a submodule become a module of it
            asModule = decl: if isOption decl.options then decl else decl // { options = lib.mkOption { type = lib.types.submoduleWith { modules = [ { inherit (decl) options; } ]; shorthandOnlyDefinesConfig = null; }; }; };
            takesModules = decl: decl.options ? type && (decl.options.type.getSubModules or null) != null;
          in
          if length ofOptions == length decls then option decls
          else if ofOptions != [ ] then
            (if all takesModules ofOptions then option (map asModule decls)
            else
              let
                first = head (filter (decl: !(takesModules decl)) ofOptions);
                other = head (filter (decl: !(isOption decl.options)) decls);
                bare = other.options;
                inside = if isAttrs bare && bare != { } then showOption (loc ++ [ (head (attrNames bare)) ]) else showOption loc;
              in
              throw "The option `${showOption loc}' in module `${first._file}' would be a parent of the following options, but its type `${first.options.type.description or "<no description>"}' does not support nested options.\n- option(s) with prefix `${inside}' in module `${other._file}'")
          else mergeModules' loc (map (decl: { inherit (decl) _file options; }) decls) (pushed.${name} or [ ]))
        declarations;
      unmatched = lib.filterAttrs (_: defs: defs != [ ]) (mapAttrs (_: result: result.unmatchedDefns) results // removeAttrs raw (attrNames results));
    in
    {
      matchedOptions = mapAttrs (_: result: result.matchedOptions) results;
      unmatchedDefns =
        if configs == [ ] then [ ]
        else concatLists (lib.mapAttrsToList (name: map (def: def // { prefix = [ name ] ++ def.prefix or [ ]; })) unmatched);
    };

  # Several declarations of one option, as one.
  mergeOptionDecls = loc: decls:
    foldl'
      (result: decl:
        let
          own = decl.options;
          both = key: own ? ${key} && result ? ${key};
          mergedType = result.type.typeMerge own.type.functor;
          typed =
            if own ? type && result ? type then
              (if mergedType == null then throw "The option `${showOption loc}' in `${decl._file}' is already declared in ${showFiles result.declarations}." else { type = mergedType; })
            else { };
          modules = own.type.getSubModules or null;
        in
        if both "default" || both "defaultText" && false || both "example" || both "description" || both "apply" then
          throw "The option `${showOption loc}' in `${decl._file}' is already declared in ${showFiles result.declarations}."
        else
          own // result // {
            declarations = result.declarations ++ [ decl._file ];
            declarationPositions = result.declarationPositions ++ [ (if decl.pos or null != null then decl.pos else { file = decl._file; line = null; column = null; }) ];
            options = result.options ++ (if modules != null then map (lib.setDefaultModuleLocation decl._file) modules else [ ]);
          } // typed)
      { inherit loc; declarations = [ ]; declarationPositions = [ ]; options = [ ]; }
      decls;
  fixupOptionType = loc: option:
    if (option.type.getSubModules or null) == null then option // { type = option.type or lib.types.unspecified; }
    else option // { type = option.type.substSubModules option.options; options = [ ]; };

  evalOptionValue = loc: option: defs:
    let
      withDefault = lib.optional (option ? default) { file = head option.declarations; value = lib.mkOptionDefault option.default; } ++ defs;
      each = map (def: def // { value = (mergeDefinitions loc option.type [ def ]).mergedValue; }) withDefault;
      result =
        if option.readOnly or false && length withDefault > 1 then throw "The option `${showOption loc}' is read-only, but it's set multiple times. Definition values:${showDefs each}"
        else mergeDefinitions loc option.type withDefault;
      value = if option ? apply then option.apply result.mergedValue else result.mergedValue;
      deprecated = if option.type.deprecationMessage or null != null then lib.warn "The type `types.${option.type.name}' of option `${showOption loc}' defined in ${showFiles option.declarations} is deprecated. ${option.type.deprecationMessage}" else lib.id;
    in
    deprecated option // {
      value = addErrorContext "while evaluating the option `${showOption loc}':" value;
      inherit (result.defsFinal') highestPrio;
      definitions = map (def: def.value) result.defsFinal;
      files = map (def: def.file) result.defsFinal;
      definitionsWithLocations = result.defsFinal;
      inherit (result) isDefined;
      inherit (result.checkedAndMerged) valueMeta;
      # text of an option is its name
      __toString = _: showOption loc;
    };

  mergeDefinitions = loc: type: defs: rec {
    defsFinal' =
      let
        plain = concatMap
          (def: map
            (value: if typeOfDef value == "definition" then { inherit (value) file value; } else { inherit (def) file; inherit value; })
            (addErrorContext "while evaluating definitions from `${def.file}':" (dischargeProperties def.value)))
          defs;
        strongest = filterOverrides' plain;
      in
      {
        values = if any (def: typeOfDef def.value == "order") strongest.values then sortProperties strongest.values else strongest.values;
        inherit (strongest) highestPrio;
      };
    defsFinal = defsFinal'.values;
    isDefined = defsFinal != [ ];
    checkedAndMerged =
      if !isDefined then { headError = null; value = throw "The option `${showOption loc}' was accessed but has no value defined. Try setting the option."; valueMeta = { }; }
      else if type.merge ? v2 then
        let result = type.merge.v2 { inherit loc; defs = defsFinal; }; in
        if result.headError or null == null then { inherit (result) value; valueMeta = result.valueMeta or { }; }
        else throw "A definition for option `${showOption loc}' is not of type `${type.description}'. ${result.headError.message}"
      else if all (def: type.check def.value) defsFinal then { value = type.merge loc defsFinal; valueMeta = { }; }
      else
        let wrong = filter (def: !(type.check def.value)) defsFinal; in
        throw "A definition for option `${showOption loc}' is not of type `${type.description}'. Definition values:${showDefs wrong}";
    mergedValue = checkedAndMerged.value;
    optionalValue = if isDefined then { value = mergedValue; } else { };
  };

  # --- properties ----------------------------------------------------------------------------------------------------------------

  # mkIf c { a = 1; } -> { a = mkIf c 1; }
  pushDownProperties = config:
    let kind = typeOfDef config; in
    if kind == "merge" then concatMap pushDownProperties config.contents
    else if kind == "if" then map (mapAttrs (_: value: mkIf config.condition value)) (pushDownProperties config.content)
    else if kind == "override" then map (mapAttrs (_: value: mkOverride config.priority value)) (pushDownProperties config.content)
    else if kind == "order" then map (mapAttrs (_: value: mkOrder config.priority value)) (pushDownProperties config.content)
    else [ config ];
  # The definitions that are left when conditions are looked at.
  dischargeProperties = def:
    let kind = typeOfDef def; in
    if kind == "merge" then concatMap dischargeProperties def.contents
    else if kind == "if" then
      (if builtins.isBool def.condition then (if def.condition then dischargeProperties def.content else [ ])
      else throw "‘mkIf’ called with a non-Boolean condition")
    else [ def ];
  filterOverrides = defs: (filterOverrides' defs).values;
  filterOverrides' = defs:
    let
      priorityOf = def: if typeOfDef def.value == "override" then def.value.priority else defaultOverridePriority;
      highestPrio = foldl' (best: def: lib.min best (priorityOf def)) 9999 defs;
      strip = def: if typeOfDef def.value == "override" then def // { value = def.value.content; } else def;
    in
    { values = concatMap (def: if priorityOf def == highestPrio then [ (strip def) ] else [ ]) defs; inherit highestPrio; };
  sortProperties = defs:
    let
      strip = def: if typeOfDef def.value == "order" then def // { value = def.value.content; inherit (def.value) priority; } else def;
    in
    builtins.sort (a: b: a.priority or defaultOrderPriority < b.priority or defaultOrderPriority) (map strip defs);

  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkOrder = priority: content: { _type = "order"; inherit priority content; };
  mkDefinition = args@{ file, value, ... }: args // { _type = "definition"; };
  defaultOverridePriority = 100;
  defaultOrderPriority = 1000;

  mkAliasIfDef = option: mkIf (isOption option && option.isDefined);
  mkAliasAndWrapDefinitions = wrap: option: mkAliasIfDef option (wrap (mkMerge option.definitions));
  mkAliasAndWrapDefsWithPriority = wrap: option: mkAliasIfDef option (wrap (mkMerge (map (mkOverride (option.highestPrio or defaultOverridePriority)) option.definitions)));

  # --- options that moved --------------------------------------------------------------------------------------------------------

  doRename = { from, to, visible, warn, use, withPriority ? true, condition ? true }:
    { config, options, ... }:
    let
      option = lib.attrByPath from null options;
      target = lib.attrByPath to (abort "Renaming error: option `${showOption to}' does not exist.");
      targetType = let it = lib.attrByPath to { } options; in it.type or (lib.types.submodule { });
    in
    {
      options = lib.setAttrByPath from (lib.mkOption ({
        inherit visible;
        description = "Alias of {option}`${showOption to}`.";
        apply = _: use (target config);
      } // lib.optionalAttrs (targetType != null) { type = targetType; }));
      config = lib.mkIf condition (lib.mkMerge [
        (lib.optionalAttrs (options ? warnings) {
          warnings = lib.optional (warn && option.isDefined) "The option `${showOption from}' defined in ${showFiles option.files} has been renamed to `${showOption to}'.";
        })
        (if withPriority then mkAliasAndWrapDefsWithPriority (lib.setAttrByPath to) option else mkAliasAndWrapDefinitions (lib.setAttrByPath to) option)
      ]);
    };
in
{
  inherit
    evalModules collectModules unifyModuleSyntax applyModuleArgsIfFunction mergeModules mergeModules' mergeOptionDecls fixupOptionType evalOptionValue
    mergeDefinitions pushDownProperties dischargeProperties filterOverrides filterOverrides' sortProperties doRename defaultOverridePriority defaultOrderPriority
    mkIf mkMerge mkOverride mkOrder mkDefinition mkAliasIfDef mkAliasAndWrapDefinitions mkAliasAndWrapDefsWithPriority;
  defaultPriority = defaultOverridePriority;
  mkAssert = check: message: content: mkIf (if check then true else throw "\nFailed assertion: ${message}") content;
  mkOptionDefault = mkOverride 1500;
  mkDefault = mkOverride 1000;
  mkImageMediaOverride = mkOverride 60;
  mkForce = mkOverride 50;
  mkVMOverride = mkOverride 10;
  mkBefore = mkOrder 500;
  mkAfter = mkOrder 1500;
  mkFixStrictness = lib.id;
  mkAliasDefinitions = mkAliasAndWrapDefinitions lib.id;
  mkDerivedConfig = option: f: mkOverride (option.highestPrio or defaultOverridePriority) (f option.value);
  # Each attribute of an attrsOf option with the priority of its definitions.
  mergeAttrDefinitionsWithPrio = option:
    mapAttrs
      (name: defs:
        let merged = mergeDefinitions (option.loc ++ [ name ]) option.type.nestedTypes.elemType defs; in
        { value = merged.mergedValue; inherit (merged.defsFinal') highestPrio; })
      (zipAttrsWith (_: concatLists) (concatMap (def: map (set: mapAttrs (_: value: [ { inherit (def) file; inherit value; } ]) set) (pushDownProperties def.value)) option.definitionsWithLocations));
  setDefaultModuleLocation = file: module: { _file = file; imports = [ module ]; };
  fixMergeModules = modules: args: lib.fix (self: mergeModules [ ] (lib.reverseList (collectModules null "" modules (args // { config = self.config or { }; }))));
  importApply = file: staticArgs: { _file = file; imports = [ (import file staticArgs) ]; };
  importJSON = file: { _file = file; config = lib.importJSON file; };
  importTOML = file: { _file = file; config = lib.importTOML file; };

  mkRemovedOptionModule = path: instructions:
    { options, ... }: {
      options = lib.setAttrByPath path (lib.mkOption { visible = false; apply = _: throw "The option `${showOption path}' can no longer be used since it's been removed. ${instructions}"; });
      config.assertions =
        let option = lib.getAttrFromPath path options; in
        [ { assertion = !option.isDefined; message = "The option definition `${showOption path}' in ${showFiles option.files} no longer has any effect; please remove it.\n${instructions}"; } ];
    };
  mkRenamedOptionModule = from: to: doRename { inherit from to; visible = false; warn = true; use = builtins.trace "Obsolete option `${showOption from}' is used. It was renamed to `${showOption to}'."; };
  mkRenamedOptionModuleWith = { from, to, sinceRelease }: doRename { inherit from to; visible = false; warn = lib.oldestSupportedReleaseIsAtLeast sinceRelease; use = lib.warnIf (lib.oldestSupportedReleaseIsAtLeast sinceRelease) "Obsolete option `${showOption from}' is used. It was renamed to `${showOption to}'."; };
  mkAliasOptionModule = from: to: doRename { inherit from to; visible = true; warn = false; use = lib.id; };
  mkAliasOptionModuleMD = from: to: doRename { inherit from to; visible = true; warn = false; use = lib.id; };
  # Several old options make up a new one.
  mkMergedOptionModule = from: to: merge:
    { config, options, ... }: {
      options = foldl' lib.recursiveUpdate { } (map (path: lib.setAttrByPath path (lib.mkOption { visible = false; default = "_mkMergedOptionModule"; })) from);
      config = {
        warnings = filter (text: text != "") (map
          (path:
            let option = lib.getAttrFromPath path options; in
            lib.optionalString (lib.attrByPath path "_mkMergedOptionModule" config != "_mkMergedOptionModule")
              "The option `${showOption path}' defined in ${showFiles option.files} has been changed to `${showOption to}' that has a different type. Please read `${showOption to}' documentation and update your configuration accordingly.")
          from);
      } // lib.setAttrByPath to (mkMerge (lib.optional (any (path: lib.attrByPath path "_mkMergedOptionModule" config != "_mkMergedOptionModule") from) (merge config)));
    };
  mkChangedOptionModule = from: to: change:
    { config, options, ... }@args:
    let isSet = lib.attrByPath from "_mkMergedOptionModule" config != "_mkMergedOptionModule"; in
    {
      options = lib.setAttrByPath from (lib.mkOption { visible = false; default = "_mkMergedOptionModule"; });
      config = {
        warnings = lib.optional isSet "The option `${showOption from}' defined in ${showFiles (lib.getAttrFromPath from options).files} has been changed to `${showOption to}' that has a different type. Please read `${showOption to}' documentation and update your configuration accordingly.";
      } // lib.setAttrByPath to (mkMerge (lib.optional isSet (change config)));
    };
}
