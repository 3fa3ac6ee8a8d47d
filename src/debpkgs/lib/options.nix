# Declaring options, and saying what they are: mkOption and its relatives, and the texts of messages and manuals.
{ lib }:
let
  inherit (builtins) all attrNames concatMap elemAt filter head isAttrs isList isString length tail;
in
rec {
  isOption = lib.isType "option";
  mkOption = { default ? null, defaultText ? null, example ? null, description ? null, relatedPackages ? null, type ? null, apply ? null, internal ? null, visible ? null, readOnly ? null }@attrs:
    attrs // { _type = "option"; };
  mkEnableOption = name:
    mkOption { default = false; example = true; description = if name ? _type && name._type == "mdDoc" then name else "Whether to enable ${name}."; type = lib.types.bool; };
  # An option for a package of a set, by its name there.
  mkPackageOption = pkgs: name: { nullable ? false, default ? name, example ? null, extraDescription ? "", pkgsText ? "pkgs" }:
    let
      nameText = if isList name then lib.last name else name;
      path = if default == null then null else lib.toList default;
      text = path: "${pkgsText}.${lib.showAttrPath path}";
    in
    mkOption (
      {
        type = (if nullable then lib.types.nullOr else lib.id) lib.types.package;
        description = "The ${nameText} package to use.${if extraDescription == "" then "" else " ${extraDescription}"}";
      }
      // (if path == null then { default = null; } else { default = lib.attrByPath path (throw "mkPackageOption: the set has no '${lib.concatStringsSep "." path}'") pkgs; defaultText = literalExpression (text path); })
      // lib.optionalAttrs (example != null) { example = literalExpression (if isList example then text example else example); }
    );
  mkSinkUndeclaredOptions = attrs:
    mkOption ({
      internal = true;
      visible = false;
      default = false;
      description = "Sink for option definitions.";
      type = lib.mkOptionType { name = "sink"; check = _: true; merge = _: _: false; };
      apply = _: throw "Option value is not readable because the option is not declared.";
    } // attrs);

  # Ways to make one value of several definitions.
  mergeDefaultOption = loc: defs:
    let values = map (def: def.value) defs; in
    if length values == 1 then head values
    else if all lib.isFunction values then x: mergeDefaultOption loc (map (f: { value = f x; }) values)
    else if all isList values then builtins.concatLists values
    else if all isAttrs values then builtins.foldl' lib.mergeAttrs { } values
    else if all builtins.isBool values then builtins.foldl' lib.or false values
    else if all isString values then lib.concatStrings values
    else if all builtins.isInt values && all (x: x == head values) values then head values
    else throw "Cannot merge definitions of `${showOption loc}'. Definition values:${showDefs defs}";
  mergeOneOption = mergeUniqueOption { message = ""; };
  mergeUniqueOption = args@{ message, merge ? null }:
    let
      mergeOne = if merge == null then loc: defs: (head defs).value else merge;
    in
    loc: defs:
      if length defs == 1 then mergeOne loc defs
      else throw "The option `${showOption loc}' is defined multiple times while it's expected to be unique.\n${message}${lib.optionalString (message != "") "\n"}Definition values:${showDefs defs}\nUse `lib.mkForce value` or `lib.mkDefault value` to change the priority on any of these definitions.";
  mergeEqualOption = loc: defs:
    if defs == [ ] then abort "This case should never happen."
    else if length defs == 1 then (head defs).value
    else
      (builtins.foldl'
        (first: def: if def.value != first.value then throw "The option `${showOption loc}' has conflicting definition values:${showDefs [ first def ]}\nUse `lib.mkForce value` or `lib.mkDefault value` to change the priority on any of these definitions." else first)
        (head defs)
        (tail defs)).value;
  getValues = map (def: def.value);
  getFiles = map (def: def.file);

  literalExpression = text: if isString text then { _type = "literalExpression"; inherit text; } else throw "literalExpression expects a string.";
  literalExample = lib.warn "lib.literalExample is deprecated, use lib.literalExpression instead, or use lib.literalMD for a non-Nix description." literalExpression;
  literalMD = text: if isString text then { _type = "literalMD"; inherit text; } else throw "literalMD expects a string.";
  mdDoc = text: { _type = "mdDoc"; inherit text; };
  renderOptionValue = value: if value ? _type && value ? text then value else literalExpression (lib.generators.toPretty { multiline = true; allowPrettyValues = true; } value);

  # "a.b.\"c d\".<name>"
  showOption = parts:
    lib.concatMapStringsSep "." (part: if builtins.elem part [ "*" "<name>" ] || builtins.match "<.*>" part != null then part else lib.strings.escapeNixIdentifier part) parts;
  showFiles = files: lib.concatStringsSep " and " (map (file: "`${file}'") files);
  showDefs = defs:
    lib.concatMapStrings
      (def:
        let
          # what cannot be shown is not shown
          pretty = builtins.tryEval (lib.generators.toPretty { } (lib.generators.withRecursion { depthLimit = 10; throwOnDepthLimit = false; } def.value));
          lines = if pretty.success then filter isString (builtins.split "\n" pretty.value) else [ "<error>" ];
          first = lib.take 5 lines;
          text = lib.concatStringsSep "\n    " (first ++ lib.optional (length lines > 5) "...");
        in
        "\n- In `${def.file}'" + (if pretty.success then ": ${text}" else ""))
      defs;
  showOptionWithDefLocs = option: "${showOption option.loc}, with values defined in:\n${lib.concatMapStringsSep "\n" (file: "  - ${file}") option.files}";
  unknownModule = "<unknown-file>";

  # For manuals: every option of a tree, those of submodules included.
  scrubOptionValue = value:
    if lib.isDerivation value then value // { type = "derivation"; drvPath = value.name; outPath = value.name; ${"name"} = value.name; }
    else if isList value then map scrubOptionValue value
    else if isAttrs value then lib.mapAttrs (_: scrubOptionValue) (removeAttrs value [ "_args" ])
    else value;
  optionAttrSetToDocList = optionAttrSetToDocList' [ ];
  optionAttrSetToDocList' = _: options:
    concatMap
      (option:
        let
          name = showOption option.loc;
          visible = option.visible or true;
          doc = {
            inherit (option) loc;
            inherit name;
            description = option.description or null;
            declarations = filter (file: file != unknownModule) option.declarations;
            internal = option.internal or false;
            visible = if builtins.isBool visible then visible else visible == "shallow";
            readOnly = option.readOnly or false;
            type = option.type.description or "unspecified";
          }
          // lib.optionalAttrs (option ? example) { example = builtins.addErrorContext "while evaluating the example of option `${name}`" (renderOptionValue option.example); }
          // lib.optionalAttrs (option ? defaultText || option ? default) { default = builtins.addErrorContext "while evaluating the ${if option ? defaultText then "defaultText" else "default value"} of option `${name}`" (renderOptionValue (option.defaultText or option.default)); }
          // lib.optionalAttrs (option.relatedPackages or null != null) { inherit (option) relatedPackages; };
          inner = option.type.getSubOptions option.loc;
          below = if inner != { } && (visible == true || visible == "transparent") then optionAttrSetToDocList' option.loc inner else [ ];
        in
        if visible == "transparent" then below else [ doc ] ++ below)
      (lib.collect isOption options);
}
