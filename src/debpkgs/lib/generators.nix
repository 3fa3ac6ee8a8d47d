# Values as text of some format: INI, key=value, JSON, YAML, Nix for reading, Lua, property lists, and options of a command line.
{ lib }:
let
  inherit (builtins) attrNames isAttrs isBool isFloat isFunction isInt isList isPath isString;
in
rec {
  mkValueStringDefault = { }: value:
    if isInt value then toString value
    else if lib.isDerivation value then toString value
    else if isString value then value
    else if value == true then "true"
    else if value == false then "false"
    else if value == null then "null"
    else if isFloat value then lib.strings.floatToString value
    else throw "generators.mkValueStringDefault: ${if isAttrs value then "attribute sets" else if isList value then "lists" else lib.typeOf value + "s"} are not supported: ${toPretty { } value}";
  mkKeyValueDefault = { mkValueString ? mkValueStringDefault { } }: separator: key: value: "${lib.escape [ separator ] key}${separator}${mkValueString value}";

  linesOf = { mkKeyValue ? mkKeyValueDefault { } "=", listsAsDuplicateKeys ? false, indent ? "" }: set:
    let
      line = key: value: indent + mkKeyValue key value + "\n";
      lines = key: value: if listsAsDuplicateKeys && isList value then map (line key) value else [ (line key value) ];
    in
    builtins.concatLists (lib.mapAttrsToList lines set);
  toKeyValue = options: set: lib.concatStrings (linesOf options set);
  toINI = { mkSectionName ? (name: lib.escape [ "[" "]" ] name), mkKeyValue ? mkKeyValueDefault { } "=", listsAsDuplicateKeys ? false }: set:
    lib.concatStringsSep "\n" (lib.mapAttrsToList (name: values: "[${mkSectionName name}]\n" + toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; } values) set);
  toINIWithGlobalSection = options@{ mkSectionName ? null, mkKeyValue ? mkKeyValueDefault { } "=", listsAsDuplicateKeys ? false }: { globalSection, sections ? { } }:
    (if globalSection == { } then "" else toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; } globalSection + "\n")
    + toINI (lib.filterAttrs (_: value: value != null) ({ inherit mkSectionName; } // options)) sections;
  # Sections may have subsections, values may be lists.
  toGitINI = set:
    let
      quoted = parts: if builtins.length parts == 1 then builtins.head parts else ''${builtins.head parts} "${lib.replaceStrings [ "\\" "\"" ] [ "\\\\" "\\\"" ] (lib.concatStringsSep "." (builtins.tail parts))}"'';
      valueOf = value: mkValueStringDefault { } (if isString value then ''"${lib.replaceStrings [ "\n" "\t" ''"'' "\\" ] [ "\\n" "\\t" ''\"'' "\\\\" ] value}"'' else value);
      line = key: value: lib.concatMapStrings (one: "\t${key} = ${valueOf one}\n") (lib.toList value);
      sections = path: value:
        let
          plain = lib.filterAttrs (_: v: !(isAttrs v) || lib.isDerivation v) value;
          deeper = lib.filterAttrs (_: v: isAttrs v && !(lib.isDerivation v)) value;
          own = if plain == { } then [ ] else [ "[${quoted path}]\n${lib.concatStrings (lib.mapAttrsToList line plain)}" ];
        in
        own ++ lib.concatLists (lib.mapAttrsToList (name: sections (path ++ [ name ])) deeper);
    in
    lib.concatStringsSep "\n" (lib.concatLists (lib.mapAttrsToList (name: sections [ name ]) set));
  toDconfINI = toINI { mkKeyValue = mkDconfKeyValue; };
  mkDconfKeyValue = mkKeyValueDefault { mkValueString = value: if isString value then "'${lib.escape [ "'" "\\" ] value}'" else if isList value then "[${lib.concatMapStringsSep "," (mkValueStringDefault { }) value}]" else mkValueStringDefault { } value; } "=";

  withRecursion = { depthLimit, throwOnDepthLimit ? true }:
    if !(isInt depthLimit) then throw "generators.withRecursion: 'depthLimit' is no whole number"
    else
      let
        # what must stay as it is, however deep
        special = [ "__functor" "__functionArgs" "__toString" "__pretty" ];
        tooDeep = if throwOnDepthLimit then throw "Exceeded maximum eval-depth limit of ${toString depthLimit} while trying to evaluate with `generators.withRecursion'!" else "<unevaluated>";
        go = depth: value:
          if depth > depthLimit then tooDeep
          else if isAttrs value then lib.mapAttrs (name: v: if lib.elem name special then v else go (depth + 1) v) value
          else if isList value then map (go (depth + 1)) value
          # what is in a set counts one deeper
          else if depth + 1 > depthLimit then tooDeep
          else value;
      in
      go 0;

  toJSON = { }: builtins.toJSON;
  toYAML = { }: builtins.toJSON;

  # Nix as a reader would write it.
  toPretty = { allowPrettyValues ? false, multiline ? true, indent ? "" }:
    let
      go = indent: value:
        let
          open = if multiline then "\n${indent}  " else " ";
          close = if multiline then "\n${indent}" else " ";
          items = f: xs: lib.concatMapStringsSep open f xs;
        in
        if isInt value then toString value
        else if isFloat value then builtins.toJSON value
        else if isString value then
          let
            lines = builtins.filter isString (builtins.split "\n" value);
            escapedSingle = lib.replaceStrings [ "\${" "''" ] [ "''\${" "'''" ];
            plain = lib.escape [ "$" ] (builtins.toJSON value);
            simple = "\"" + lib.replaceStrings [ "\\" "\"" "\${" "\n" "\r" "\t" ] [ "\\\\" "\\\"" "\\\${" "\\n" "\\r" "\\t" ] value + "\"";
          in
          if multiline && builtins.length lines > 1 then
            "''" + open + lib.concatStringsSep open (map escapedSingle (lib.init lines)) + (if lib.last lines == "" then close else open + escapedSingle (lib.last lines)) + "''"
          else simple
        else if value == true then "true"
        else if value == false then "false"
        else if value == null then "null"
        else if isPath value then toString value
        else if isList value then (if value == [ ] then "[ ]" else "[" + open + items (go (indent + "  ")) value + close + "]")
        else if isAttrs value then
          (if allowPrettyValues && value ? __pretty && value ? val then value.__pretty value.val
          else if value == { } then "{ }"
          else if value.type or null == "derivation" then "<derivation ${value.name or "???"}>"
          else "{" + open + items (name: "${lib.strings.escapeNixIdentifier name} = ${builtins.addErrorContext "while evaluating an attribute `${name}`" (go (indent + "  ") value.${name})};") (attrNames value) + close + "}")
        else if isFunction value then
          (let
            args = lib.functionArgs value;
            shown = lib.concatStringsSep ", " (lib.mapAttrsToList (name: optional: name + lib.optionalString optional "?") args);
          in
          if args == { } then "<function>" else "<function, args: {${shown}}>")
        else "<${builtins.typeOf value}>";
    in
    go indent;

  mkLuaInline = expr: { _type = "lua-inline"; inherit expr; };
  toLua = { multiline ? true, indent ? "", asBindings ? false }@options: value:
    let
      inner = "${indent}  ";
      again = options // { indent = if asBindings then indent else inner; asBindings = false; };
      between = if multiline then ",\n${inner}" else ", ";
      open = if multiline then "\n${inner}" else " ";
      close = if multiline then "\n${indent}" else " ";
      # names of variables and fields
      isIdentifier = name: builtins.match "[[:alpha:]_][[:alnum:]_]*(\\.[[:alpha:]_][[:alnum:]_]*)*" name != null;
      binding = name: v:
        if isIdentifier name then "${indent}${name} = ${toLua again v}\n" else throw "generators.toLua: '${name}' is no name of a Lua variable";
    in
    if asBindings then lib.concatStrings (lib.mapAttrsToList binding value)
    else if value == null then "nil"
    else if isInt value || isFloat value || isString value || isBool value then builtins.toJSON value
    else if isPath value || lib.isDerivation value then builtins.toJSON "${value}"
    else if isList value then (if value == [ ] then "{}" else "{${open}${lib.concatMapStringsSep between (toLua again) value}${close}}")
    else if isAttrs value then
      (if value._type or null == "lua-inline" then "(${value.expr})"
      else if value == { } then "{}"
      else "{${open}${lib.concatStringsSep between (lib.mapAttrsToList (name: v: "[${builtins.toJSON name}] = ${toLua again v}") value)}${close}}")
    else throw "generators.toLua: ${builtins.typeOf value} is not supported";

  toPlist = { escape ? false }: value:
    let
      text = if escape then lib.strings.escapeXML else lib.id;
      go = indent: v:
        if v == null then ""
        else if isBool v then indent + (if v then "<true/>" else "<false/>")
        else if isInt v then "${indent}<integer>${toString v}</integer>"
        else if isString v then "${indent}<string>${text v}</string>"
        else if isList v then lib.concatStringsSep "\n" [ "${indent}<array>" (lib.concatMapStringsSep "\n" (go (indent + "\t")) v) "${indent}</array>" ]
        else if isAttrs v then
          lib.concatStringsSep "\n" [ "${indent}<dict>" (lib.concatStringsSep "\n" (lib.flatten (lib.mapAttrsToList (name: x: lib.optional (x != null) [ "${indent}\t<key>${text name}</key>" (go (indent + "\t") x) ]) v))) "${indent}</dict>" ]
        else if isFloat v then "${indent}<real>${lib.strings.floatToString v}</real>"
        else throw "generators.toPlist: ${builtins.typeOf v} is not supported";
    in
    ''
      <?xml version="1.0" encoding="UTF-8"?>
      <!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
      <plist version="1.0">
      ${go "" value}
      </plist>'';

  # Options of a command line: { v = true; o = "file"; I = [ "a" "b" ]; }.
  toGNUCommandLine =
    { mkOptionName ? (key: if builtins.stringLength key == 1 then "-${key}" else "--${key}")
    , mkBool ? (key: value: lib.optional value (mkOptionName key))
    , mkList ? (key: lib.concatMap (mkOption key))
    , mkOption ? (key: value: if value == null then [ ] else if optionValueSeparator == null then [ (mkOptionName key) (mkValueStringDefault { } value) ] else [ "${mkOptionName key}${optionValueSeparator}${mkValueStringDefault { } value}" ])
    , optionValueSeparator ? null
    }: set:
    lib.concatLists (lib.mapAttrsToList (key: value: if isBool value then mkBool key value else if isList value then mkList key value else mkOption key value) set);
  toGNUCommandLineShell = options: set: lib.escapeShellArgs (toGNUCommandLine options set);
}
