# Types of options. A type checks a definition (`check`), makes one value of several (`merge`), and says how it combines with the type of
# another declaration of the same option (`functor`, `typeMerge`). Names and meanings follow NixOS' manual, "Options Types".
{ lib }:
let
  inherit (builtins) all attrNames attrValues concatMap elem filter foldl' head isAttrs isList isString length mapAttrs tail;
  inherit (lib) isFunction mergeDefinitions mergeEqualOption mergeOneOption mkOption showFiles showOption;

  setType = name: value: value // { _type = name; };
  isType = name: value: isAttrs value && value._type or null == name;
  isOptionType = isType "option-type";

  # What a type is made of, for combining it with another: `payload` is its parameter, `binOp` combines two of them.
  defaultFunctor = name: { inherit name; type = types.${name} or null; wrapped = null; payload = null; binOp = _: _: null; };
  defaultTypeMerge = f: g:
    let
      merged = f.binOp f.payload g.payload;
      wrapped = f.wrapped.typeMerge g.wrapped.functor;
      wraps = functor: !(functor.wrappedIsFormer or false) && functor.wrapped or null != null;
    in
    if f.name != g.name then null
    else if wraps f && f.payload != null || wraps g && g.payload != null then throw "Type ${f.name} defines both `functor.payload` and `functor.wrapped` at the same time, which is not supported."
    else if f.payload != null && g.payload != null then (if merged == null then null else f.type merged)
    else if wraps f && wraps g then (if wrapped == null then null else f.type wrapped)
    else if f.payload == null && g.payload == null && !(wraps f) && !(wraps g) then f.type
    else null;

  mkOptionType =
    { name
    , description ? null
    , descriptionClass ? null
    , deprecationMessage ? null
    , check ? (_: true)
    , merge ? lib.mergeDefaultOption
    , emptyValue ? { }
    , getSubOptions ? (_: { })
    , getSubModules ? null
    , substSubModules ? (_: null)
    , typeMerge ? defaultTypeMerge functor
    , functor ? defaultFunctor name
    , nestedTypes ? { }
    }: {
      _type = "option-type";
      inherit name check merge emptyValue getSubOptions getSubModules substSubModules typeMerge deprecationMessage nestedTypes descriptionClass;
      functor = functor // { wrapped = functor.wrapped or null; };
      description = if description == null then name else description;
    };

  # "list of (null or string)": a part in brackets where it would be misread.
  optionDescriptionPhrase = accepts: type: if accepts (type.descriptionClass or null) then type.description or "<no description>" else "(${type.description or "<no description>"})";
  isNoun = class: class == "noun";
  isNounOrComposite = class: class == "noun" || class == "composite";

  simple = name: description: check: extra: mkOptionType ({ inherit name description check; descriptionClass = "noun"; merge = mergeEqualOption; } // extra);

  # Where types of before looked for the type inside.
  formerWrapped = name: elem: { wrapped = lib.warn "The deprecated `${lib.optionalString (name != "") "type."}functor.wrapped` attribute of the option type `${name}` is accessed, use `nestedTypes.elemType` instead." elem; wrappedIsFormer = true; };
  elemFunctor = name: payload: type: defaultFunctor name // formerWrapped name payload.elemType // {
    inherit type payload;
    binOp = a: b: let merged = a.elemType.typeMerge b.elemType.functor; in if merged == null then null else { elemType = merged; };
  };

  # Definitions of several elements, merged one by one; those that mkIf takes away are left out.
  mergedAt = loc: type: defs: mergeDefinitions loc type defs;
  definitionsByName = defs: builtins.zipAttrsWith (_: values: values) (map (def: mapAttrs (_: value: { inherit (def) file; inherit value; }) def.value) defs);

  attrsWithType = { elemType, lazy ? false, placeholder ? "name" }:
    mkOptionType {
      name = if lazy then "lazyAttrsOf" else "attrsOf";
      description = (if lazy then "lazy attribute set" else "attribute set") + " of ${optionDescriptionPhrase isNounOrComposite elemType}";
      descriptionClass = "composite";
      check = isAttrs;
      merge = loc: defs:
        let
          each = mapAttrs (name: mergedAt (loc ++ [ name ]) elemType) (definitionsByName defs);
        in
        if lazy then mapAttrs (name: it: it.optionalValue.value or elemType.emptyValue.value or it.mergedValue) each
        else mapAttrs (_: it: it.optionalValue.value) (lib.filterAttrs (_: it: it.optionalValue ? value) each);
      emptyValue.value = { };
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<${placeholder}>" ]);
      inherit (elemType) getSubModules;
      substSubModules = modules: attrsWithType { elemType = elemType.substSubModules modules; inherit lazy placeholder; };
      functor = defaultFunctor "attrsWith" // formerWrapped "attrsWith" elemType // {
        type = attrsWithType;
        payload = { inherit elemType lazy placeholder; };
        binOp = a: b:
          let
            merged = a.elemType.typeMerge b.elemType.functor;
            named = if a.placeholder == b.placeholder then a.placeholder else if a.placeholder == "name" then b.placeholder else if b.placeholder == "name" then a.placeholder else null;
          in
          if merged == null || a.lazy != b.lazy || named == null then null else { elemType = merged; inherit (a) lazy; placeholder = named; };
      };
      nestedTypes.elemType = elemType;
    };

  betweenType = base: name: description: low: high: addCheck base (x: x >= low && x <= high) // { inherit name description; };
  addCheck = type: check:
    type // { check = x: type.check x && check x; }
    // (if type.merge ? v2 then { merge = loc: defs: type.merge loc defs; } else { });
  signed = bits: low: high: betweenType types.int "signedInt${toString bits}" "${toString bits} bit signed integer; between ${toString low} and ${toString high} (both inclusive)" low high;
  unsigned = bits: high: betweenType types.int "unsignedInt${toString bits}" "${toString bits} bit unsigned integer; between 0 and ${toString high} (both inclusive)" 0 high;
  bounded = base: word: low: high:
    if low > high then throw "${word}s.between: lowest must be smaller than highest"
    else betweenType base "${word}Between" "${if word == "int" then "integer" else "${if word == "number" then "integer or floating point number" else word}"} between ${toString low} and ${toString high} (both inclusive)" low high;

  separated = separator:
    mkOptionType {
      name = "separatedString";
      description = if separator == "" then "Concatenated string" else "strings concatenated with ${builtins.toJSON separator}";
      descriptionClass = "noun";
      check = isString;
      merge = loc: defs: lib.concatStringsSep separator (map (def: def.value) defs);
      functor = defaultFunctor "separatedString" // {
        payload = { sep = separator; };
        type = payload: separated payload.sep;
        binOp = a: b: if a.sep == b.sep then a else null;
      };
    };

  jsonLike = { name, description }:
    let
      value = (types.nullOr (types.oneOf [ types.bool types.int types.float types.str types.path (types.attrsOf value) (types.listOf value) ])) // { inherit name description; descriptionClass = "noun"; };
    in
    value;

  submoduleType =
    { modules
    , specialArgs ? { }
    , shorthandOnlyDefinesConfig ? false
    , description ? null
    , class ? null
    }@attrs:
    let
      # With the shorthand a definition is nothing but `config`; otherwise it is a module.
      asModules = defs: map
        (def:
          if isAttrs def.value && shorthandOnlyDefinesConfig == true then { _file = def.file; config = def.value; }
          else if isAttrs def.value && def.value ? _module == false && shorthandOnlyDefinesConfig == null then { _file = def.file; config = def.value; }
          else lib.setDefaultModuleLocation def.file def.value)
        defs;
      base = lib.evalModules {
        inherit class specialArgs;
        modules = [
          {
            # the name by which the submodule stands in its option
            _module.args.name = lib.mkOptionDefault "‹name›";
          }
        ] ++ modules;
      };
      freeform = base._module.freeformType;
      name = "submodule";
    in
    mkOptionType {
      inherit name;
      description = if description != null then description else if freeform == null then name else "open submodule of ${optionDescriptionPhrase isNounOrComposite freeform}";
      check = value: isAttrs value || isFunction value || builtins.isPath value;
      merge = loc: defs: (base.extendModules {
        modules = [ { _module.args.name = lib.last loc; } ] ++ asModules defs;
        prefix = loc;
      }).config;
      emptyValue.value = { };
      getSubOptions = prefix:
        let
          inner = (base.extendModules {
            inherit prefix;
            # only its options are asked for
            modules = [ { _module.check = false; } ];
          }).options;
        in
        inner // lib.optionalAttrs (freeform != null) { _freeformOptions = freeform.getSubOptions prefix; };
      getSubModules = modules;
      substSubModules = other: submoduleType (attrs // { modules = other; });
      nestedTypes = lib.optionalAttrs (freeform != null) { freeformType = freeform; };
      functor = defaultFunctor name // {
        type = submoduleType;
        payload = { inherit modules class specialArgs shorthandOnlyDefinesConfig description; };
        binOp = a: b: {
          class = if a.class == null then b.class else if b.class == null || a.class == b.class then a.class else throw "A submoduleWith option is declared multiple times with conflicting class values \"${toString a.class}\" and \"${toString b.class}\".";
          modules = a.modules ++ b.modules;
          specialArgs =
            if builtins.intersectAttrs a.specialArgs b.specialArgs == { } then a.specialArgs // b.specialArgs
            else throw "A submoduleWith option is declared multiple times with the same specialArgs \"${toString (attrNames (builtins.intersectAttrs a.specialArgs b.specialArgs))}\"";
          shorthandOnlyDefinesConfig =
            if a.shorthandOnlyDefinesConfig == null then b.shorthandOnlyDefinesConfig
            else if b.shorthandOnlyDefinesConfig == null || a.shorthandOnlyDefinesConfig == b.shorthandOnlyDefinesConfig then a.shorthandOnlyDefinesConfig
            else throw "A submoduleWith option is declared multiple times with conflicting shorthandOnlyDefinesConfig values";
          description =
            if a.description == null then b.description
            else if b.description == null || a.description == b.description then a.description
            else throw "A submoduleWith option is declared multiple times with conflicting descriptions";
        };
      };
    };

  deferredType = { staticModules ? [ ] }@attrs:
    mkOptionType {
      name = "deferredModule";
      description = "module";
      descriptionClass = "noun";
      check = value: isAttrs value || isFunction value || builtins.isPath value;
      merge = loc: defs: { imports = staticModules ++ map (def: lib.setDefaultModuleLocation "${def.file}, via option ${showOption loc}" def.value) defs; };
      inherit (submoduleType { modules = staticModules; }) getSubOptions getSubModules;
      substSubModules = modules: deferredType (attrs // { staticModules = modules; });
      functor = defaultFunctor "deferredModuleWith" // {
        type = deferredType;
        payload = { inherit staticModules; };
        binOp = a: b: { staticModules = lib.unique (a.staticModules ++ b.staticModules); };
      };
    };

  types = rec {
    raw = mkOptionType { name = "raw"; description = "raw value"; descriptionClass = "noun"; check = _: true; merge = mergeOneOption; };
    unspecified = mkOptionType { name = "unspecified"; description = "unspecified value"; descriptionClass = "noun"; };
    # Anything; sets are merged, everything else has to be equal.
    anything = mkOptionType {
      name = "anything";
      description = "anything";
      descriptionClass = "noun";
      check = _: true;
      merge = loc: defs:
        let
          kindOf = value: if isAttrs value && lib.isStringLike value then "stringCoercibleSet" else if isFunction value then "lambda" else builtins.typeOf value;
          kinds = lib.unique (map (def: kindOf def.value) defs);
          kind = head kinds;
          mergeBy = {
            set = (attrsWithType { elemType = anything; }).merge;
            list = if length defs > 1 then mergeOneOrSame else (listOf anything).merge;
            stringCoercibleSet = mergeOneOption;
            lambda = loc: defs: argument: anything.merge (loc ++ [ "<function body>" ]) (map (def: { inherit (def) file; value = def.value argument; }) defs);
          };
          mergeOneOrSame = mergeEqualOption;
        in
        if length kinds != 1 then throw "The option `${showOption loc}' has conflicting option types in ${showFiles (lib.getFiles defs)}"
        else (mergeBy.${kind} or mergeEqualOption) loc defs;
    };

    bool = simple "bool" "boolean" builtins.isBool { };
    boolByOr = simple "boolByOr" "boolean (merged using or)" builtins.isBool { merge = loc: defs: lib.any (def: def.value) defs; };
    int = simple "int" "signed integer" builtins.isInt { };
    float = simple "float" "floating point number" builtins.isFloat { };
    number = either int float;
    ints = {
      between = bounded int "int";
      unsigned = addCheck int (x: x >= 0) // { name = "unsignedInt"; description = "unsigned integer, meaning >=0"; descriptionClass = "nonRestrictiveClause"; };
      positive = addCheck int (x: x > 0) // { name = "positiveInt"; description = "positive integer, meaning >0"; descriptionClass = "nonRestrictiveClause"; };
      u8 = unsigned 8 255;
      u16 = unsigned 16 65535;
      u32 = unsigned 32 4294967295;
      s8 = signed 8 (-128) 127;
      s16 = signed 16 (-32768) 32767;
      s32 = signed 32 (-2147483648) 2147483647;
    };
    numbers = {
      between = bounded number "number";
      positive = addCheck number (x: x > 0) // { name = "numberPositive"; description = "positive integer or floating point number, meaning >0"; descriptionClass = "nonRestrictiveClause"; };
      nonnegative = addCheck number (x: x >= 0) // { name = "numberNonnegative"; description = "nonnegative integer or floating point number, meaning >=0"; descriptionClass = "nonRestrictiveClause"; };
    };
    port = ints.u16;

    str = simple "str" "string" isString { };
    string = lib.warn "The type `types.string' is deprecated; see `types.str'" (separatedString "" // { name = "string"; });
    nonEmptyStr = simple "nonEmptyStr" "non-empty string" (x: isString x && builtins.match "[ \t\n]*" x == null) { merge = str.merge; };
    # One line; a line end behind it is dropped.
    singleLineStr =
      let one = strMatching "[^\n\r]*\n?"; in
      mkOptionType { name = "singleLineStr"; description = "(optionally newline-terminated) single-line string"; descriptionClass = "noun"; inherit (one) check; merge = loc: defs: lib.removeSuffix "\n" (one.merge loc defs); };
    strMatching = pattern: mkOptionType {
      name = "strMatching ${lib.strings.escapeNixString pattern}";
      description = "string matching the pattern ${pattern}";
      descriptionClass = "noun";
      check = x: str.check x && builtins.match pattern x != null;
      inherit (str) merge;
      functor = defaultFunctor "strMatching" // { type = payload: strMatching payload.pattern; payload = { inherit pattern; }; binOp = a: b: if a == b then a else null; };
    };
    separatedString = separated;
    lines = separatedString "\n";
    commas = separatedString ",";
    envVar = separatedString ":";
    passwdEntry = type: addCheck type (x: !(lib.hasInfix ":" x || lib.hasInfix "\n" x)) // { name = "passwdEntry ${type.name}"; description = "${optionDescriptionPhrase isNoun type}, not containing newlines or colons"; descriptionClass = "nonRestrictiveClause"; };

    attrs = mkOptionType { name = "attrs"; description = "attribute set"; check = isAttrs; merge = loc: foldl' (result: def: result // def.value) { }; emptyValue.value = { }; };
    package = mkOptionType {
      name = "package";
      descriptionClass = "noun";
      check = x: lib.isDerivation x || lib.isStorePath x;
      merge = loc: defs: let result = mergeOneOption loc defs; in if builtins.isPath result || (isString result && !(builtins.hasContext result)) then lib.toDerivation result else result;
    };
    shellPackage = package // { check = x: lib.isDerivation x && x ? shellPath; };
    pkgs = addCheck (unique { message = "A Nixpkgs pkgs set can not be merged with another pkgs set."; } attrs // { name = "pkgs"; descriptionClass = "noun"; description = "Nixpkgs package set"; }) (x: x._type or null == "pkgs");
    path = pathWith { absolute = true; } // { name = "path"; };
    pathInStore = pathWith { inStore = true; } // { name = "pathInStore"; };
    externalPath = pathWith { absolute = true; inStore = false; } // { name = "externalPath"; };
    pathWith = { inStore ? null, absolute ? null }:
      if inStore != null && inStore && absolute != null && !absolute then throw "In pathWith, inStore means the path must be absolute"
      else
        mkOptionType {
          name = "path";
          description =
            (if absolute == null then "" else if absolute then "absolute " else "relative ") + "path" + (if inStore == null then "" else if inStore then " in the Nix store" else " not in the Nix store");
          descriptionClass = "noun";
          merge = mergeEqualOption;
          functor = defaultFunctor "path" // { type = pathWith; payload = { inherit inStore absolute; }; binOp = a: b: if a == b then a else null; };
          check = x:
            let
              isInStore = lib.isStringLike x && builtins.match "${lib.escapeRegex builtins.storeDir}/[^.].*" (toString x) != null;
              isAbsolute = lib.isStringLike x && builtins.substring 0 1 (toString x) == "/";
            in
            lib.isStringLike x && (inStore == null || inStore == isInStore) && (absolute == null || absolute == isAbsolute) && (isString x || builtins.isPath x || x ? outPath || x ? __toString);
        };

    listOf = elemType: mkOptionType {
      name = "listOf";
      description = "list of ${optionDescriptionPhrase isNounOrComposite elemType}";
      descriptionClass = "composite";
      check = isList;
      merge = loc: defs:
        map (it: it.optionalValue.value) (filter (it: it.optionalValue ? value) (builtins.concatLists (lib.imap1
          (n: def: lib.imap1 (m: value: mergedAt (loc ++ [ "[definition ${toString n}-entry ${toString m}]" ]) elemType [ { inherit (def) file; inherit value; } ]) def.value)
          defs)));
      emptyValue.value = [ ];
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "*" ]);
      inherit (elemType) getSubModules;
      substSubModules = modules: listOf (elemType.substSubModules modules);
      functor = elemFunctor "listOf" { inherit elemType; } (payload: listOf payload.elemType);
      nestedTypes.elemType = elemType;
    };
    nonEmptyListOf = elemType: addCheck (listOf elemType) (list: list != [ ]) // { description = "non-empty ${optionDescriptionPhrase isNoun (listOf elemType)}"; emptyValue = { }; substSubModules = modules: nonEmptyListOf (elemType.substSubModules modules); };
    attrsWith = attrsWithType;
    attrsOf = elemType: attrsWithType { inherit elemType; };
    lazyAttrsOf = elemType: attrsWithType { inherit elemType; lazy = true; };
    loaOf = elemType: attrsOf elemType // { name = "loaOf"; deprecationMessage = "Mixing lists with attribute values is no longer possible; please use `types.attrsOf` instead. See https://github.com/NixOS/nixpkgs/issues/1800 for the motivation."; };
    # Exactly one of the named alternatives.
    attrTag = tags:
      let
        options = mapAttrs (name: it: if lib.isOption it then
          (let pos = builtins.unsafeGetAttrPos name tags; in { declarations = lib.optional (pos != null) pos.file; declarationPositions = lib.optional (pos != null) pos; } // it)
        else throw "In attrTag, each tag value must be an option, but tag ${name} ${if it._type or null == null then "is not an option" else "was a bare type, not wrapped in mkOption"}.") tags;
        names = lib.concatMapStringsSep ", " lib.strings.escapeNixIdentifier (attrNames tags);
      in
      mkOptionType {
        name = "attrTag";
        description = "attribute-tagged union with choices: ${names}";
        descriptionClass = "noun";
        getSubOptions = prefix: mapAttrs (name: option: option // { loc = prefix ++ [ name ]; }) options;
        check = value: isAttrs value && length (attrNames value) == 1 && options ? ${head (attrNames value)};
        merge = loc: defs:
          let
            choice = head (attrNames (head defs).value);
            ofChoice = map (def: def // { value = def.value.${choice} or (throw "The option `${showOption loc}` is defined both as `${choice}` and `${toString (attrNames def.value)}`, in ${showFiles (lib.getFiles defs)}."); }) defs;
          in
          if options ? ${choice} then { ${choice} = (lib.evalOptionValue (loc ++ [ choice ]) (options.${choice} // { loc = loc ++ [ choice ]; type = options.${choice}.type or unspecified; }) ofChoice).value; }
          else throw "The option `${showOption loc}` is defined as ${choice}, but ${choice} is not among the valid choices (${names}). Value ${choice} was defined in ${showFiles (lib.getFiles defs)}.";
        nestedTypes = mapAttrs (_: option: option.type) (lib.filterAttrs (_: option: option ? type) options);
        functor = defaultFunctor "attrTag" // {
          type = payload: attrTag payload.tags;
          payload = { tags = options; };
          binOp = a: b: { tags = a.tags // mapAttrs (name: option: if a.tags ? ${name} then lib.mergeOptionDecls [ name ] (map (it: { _file = head (it.declarations or [ "<attrTag>" ] ++ [ "<attrTag>" ]); pos = head (it.declarationPositions or [ ] ++ [ null ]); options = it; }) [ a.tags.${name} option ]) // { _type = "option"; } else option) b.tags; };
        };
      };

    nullOr = elemType: mkOptionType {
      name = "nullOr";
      description = "null or ${optionDescriptionPhrase (class: isNoun class || class == "conjunction") elemType}";
      descriptionClass = "conjunction";
      check = x: x == null || elemType.check x;
      merge = loc: defs:
        let nulls = lib.count (def: def.value == null) defs; in
        if nulls == length defs then null
        else if nulls != 0 then throw "The option `${showOption loc}` is defined both null and not null, in ${showFiles (lib.getFiles defs)}."
        else (mergeDefinitions loc elemType defs).mergedValue;
      emptyValue.value = null;
      getSubOptions = elemType.getSubOptions;
      inherit (elemType) getSubModules;
      substSubModules = modules: nullOr (elemType.substSubModules modules);
      functor = elemFunctor "nullOr" { inherit elemType; } (payload: nullOr payload.elemType);
      nestedTypes.elemType = elemType;
    };
    functionTo = elemType: mkOptionType {
      name = "functionTo";
      description = "function that evaluates to a(n) ${optionDescriptionPhrase isNounOrComposite elemType}";
      descriptionClass = "composite";
      check = isFunction;
      merge = loc: defs: {
        # what the functions together ask for
        __functionArgs = foldl' (all: def: builtins.intersectAttrs { } all // all // lib.functionArgs def.value) { } defs;
        __functor = _: argument: (mergeDefinitions (loc ++ [ "<function body>" ]) elemType (map (def: { inherit (def) file; value = def.value argument; }) defs)).mergedValue;
      };
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<function body>" ]);
      inherit (elemType) getSubModules;
      substSubModules = modules: functionTo (elemType.substSubModules modules);
      functor = elemFunctor "functionTo" { inherit elemType; } (payload: functionTo payload.elemType);
      nestedTypes.elemType = elemType;
    };
    unique = { message }: type: mkOptionType {
      name = "unique";
      inherit (type) description descriptionClass check getSubOptions getSubModules;
      merge = lib.mergeUniqueOption { inherit message; inherit (type) merge; };
      substSubModules = modules: unique { inherit message; } (type.substSubModules modules);
      functor = elemFunctor "unique" { elemType = type; } (payload: unique { inherit message; } payload.elemType);
      nestedTypes.elemType = type;
    };
    uniq = unique { message = ""; };

    either = first: second: mkOptionType {
      name = "either";
      description =
        let isPlain = class: isNoun class || class == "conjunction"; in
        if first.descriptionClass or null == "nonRestrictiveClause" then "${first.description}, or ${optionDescriptionPhrase isPlain second}"
        else "${optionDescriptionPhrase isPlain first} or ${optionDescriptionPhrase (class: isPlain class || class == "composite") second}";
      descriptionClass = "conjunction";
      check = x: first.check x || second.check x;
      merge = loc: defs:
        let values = map (def: def.value) defs; in
        if all first.check values then (mergeDefinitions loc first defs).mergedValue
        else if all second.check values then (mergeDefinitions loc second defs).mergedValue
        else lib.mergeOneOption loc defs;
      functor = defaultFunctor "either" // formerWrapped "either" [ first second ] // {
        payload = { left = first; right = second; };
        type = payload: either payload.left payload.right;
        binOp = a: b:
          let
            left = a.left.typeMerge b.left.functor;
            right = a.right.typeMerge b.right.functor;
          in
          if left == null || right == null then null else { inherit left right; };
      };
      nestedTypes = { left = first; right = second; };
    };
    oneOf = list: if list == [ ] then throw "types.oneOf needs to get at least one type in its argument" else foldl' either (head list) (tail list);
    coercedTo = from: convert: to:
      if from.getSubModules != null then throw "coercedTo: coercedType must not have submodules (it’s a ${from.description})"
      else mkOptionType {
        name = "coercedTo";
        description = "${optionDescriptionPhrase isNoun to} or ${optionDescriptionPhrase isNoun from} convertible to it";
        check = x: (from.check x && to.check (convert x)) || to.check x;
        merge = loc: defs: to.merge loc (map (def: def // { value = if from.check def.value then convert def.value else def.value; }) defs);
        emptyValue = to.emptyValue;
        inherit (to) getSubOptions getSubModules;
        substSubModules = modules: coercedTo from convert (to.substSubModules modules);
        typeMerge = _: null;
        functor = defaultFunctor "coercedTo" // formerWrapped "coercedTo" to;
        nestedTypes = { coercedType = from; finalType = to; };
      };
    enum = values:
      let
        show = value: if isString value then "\"${value}\"" else if builtins.isInt value then toString value else if builtins.isBool value then lib.boolToString value else "<${builtins.typeOf value}>";
      in
      mkOptionType {
        name = "enum";
        description =
          if values == [ ] then "impossible (empty enum)"
          else if length values == 1 then "value ${show (head values)} (singular enum)"
          else "one of ${lib.concatMapStringsSep ", " show values}";
        descriptionClass = if length values < 2 then "noun" else "conjunction";
        check = value: elem value values;
        merge = mergeEqualOption;
        functor = defaultFunctor "enum" // { payload = { inherit values; }; type = payload: enum payload.values; binOp = a: b: { values = lib.unique (a.values ++ b.values); }; };
      };

    submodule = modules: submoduleType { shorthandOnlyDefinesConfig = true; modules = lib.toList modules; };
    submoduleWith = submoduleType;
    deferredModule = deferredType { };
    deferredModuleWith = deferredType;
    optionType = mkOptionType {
      name = "optionType";
      description = "optionType";
      descriptionClass = "noun";
      check = value: isAttrs value && value._type or null == "option-type";
      # the declarations of an option merge their types in the same way
      merge = loc: defs:
        if length defs == 1 then (head defs).value
        else
          let
            modules = map (def: { _file = def.file; options = mkOption { type = def.value; }; pos = null; }) defs;
          in
          (lib.fixupOptionType loc (lib.mergeOptionDecls loc modules)).type;
    };
    optionDeclaration = mkOptionType { name = "optionDeclaration"; description = "option declaration"; descriptionClass = "noun"; check = value: isAttrs value && value._type or null == "option"; merge = mergeOneOption; };
    overlay = mkOptionType { name = "nixpkgs-overlay"; description = "nixpkgs overlay"; check = isFunction; merge = mergeOneOption; };
    luaInline = mkOptionType { name = "luaInline"; description = "inline lua"; descriptionClass = "noun"; check = x: lib.isType "lua-inline" x; merge = mergeEqualOption; };
    json = jsonLike { name = "json"; description = "JSON value"; };
    toml = jsonLike { name = "toml"; description = "TOML value"; };
    serializableValueWith = { typeName, nullable ? true, int ? true, float ? true, attrs ? true, lists ? true }: jsonLike { name = typeName; description = "${typeName} value"; };
    noCheckForDocsModule = { _module.check = lib.mkForce false; };

    inherit addCheck mkOptionType isType setType isOptionType optionDescriptionPhrase defaultTypeMerge defaultFunctor;
    mergeTypes = a: b:
      if isOptionType a && isOptionType b then (let merged = a.typeMerge b.functor; in if merged == null then setType "merge-error" { error = "Cannot merge types"; } else merged)
      else throw "the arguments of mergeTypes have to be option types";
  };
in
{
  inherit types mkOptionType isType setType isOptionType defaultTypeMerge defaultFunctor optionDescriptionPhrase;
}
