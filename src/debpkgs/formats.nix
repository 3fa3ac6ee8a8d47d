# Configuration files from Nix values: `formats.json { }` and its relatives give a type for an option and a function that writes the file,
# as in NixOS' manual, "Options for Program Settings".
{ lib, writeText, runCommandLocal, jq }:
let
  inherit (lib) types;
  valueType = name: (types.nullOr (types.oneOf [ types.bool types.int types.float types.str types.path (types.attrsOf (valueType name)) (types.listOf (valueType name)) ])) // { description = "${name} value"; };
  atom = types.nullOr (types.oneOf [ types.bool types.int types.float types.str ]) // { description = "INI atom (null, bool, int, float or string)"; };

  key = name: if builtins.match "[A-Za-z0-9_-]+" name != null then name else builtins.toJSON name;
  inline = value:
    if lib.isDerivation value || builtins.isPath value then builtins.toJSON "${value}"
    else if builtins.isAttrs value then (if value == { } then "{}" else "{ ${lib.concatStringsSep ", " (lib.mapAttrsToList (name: v: "${key name} = ${inline v}") (present value))} }")
    else if builtins.isList value then "[${lib.concatMapStringsSep ", " inline value}]"
    else builtins.toJSON value;
  present = lib.filterAttrs (_: value: value != null);
  isTable = value: builtins.isAttrs value && !(lib.isDerivation value);
  # Values first, then tables, which end only where the next one begins.
  tables = path: value:
    let
      given = present value;
      plain = lib.filterAttrs (_: v: !(isTable v)) given;
      header = lib.optionalString (path != [ ] && (plain != { } || given == { })) "[${lib.concatMapStringsSep "." key path}]\n";
      own = header + lib.concatStrings (lib.mapAttrsToList (name: v: "${key name} = ${inline v}\n") plain);
    in
    lib.optional (own != "") own ++ lib.concatLists (lib.mapAttrsToList (name: tables (path ++ [ name ])) (lib.filterAttrs (_: isTable) given));
  toTOML = value: lib.concatStringsSep "\n" (tables [ ] value);
in
{
  inherit toTOML;
  formats = {
    json = { }: {
      type = valueType "JSON";
      generate = name: value: runCommandLocal name { inherit jq; value = builtins.toJSON value; passAsFile = [ "value" ]; } ''$jq/bin/jq . "$valuePath" > $out'';
    };
    # JSON is YAML.
    yaml = { }: { type = valueType "YAML 1.1"; generate = name: value: runCommandLocal name { inherit jq; value = builtins.toJSON value; passAsFile = [ "value" ]; } ''$jq/bin/jq . "$valuePath" > $out''; };
    toml = { }: { type = valueType "TOML"; generate = name: value: writeText name (toTOML value); };
    ini = { listsAsDuplicateKeys ? false, listToValue ? null, atomsCoercedToLists ? null, ... }@args:
      let
        convert = lib.mapAttrs (_: lib.mapAttrs (_: value: if builtins.isList value && listToValue != null then listToValue value else value));
        entry = if listsAsDuplicateKeys || listToValue != null then types.either atom (types.listOf atom) else atom;
      in
      {
        type = types.attrsOf (types.attrsOf entry);
        generate = name: value: writeText name (lib.generators.toINI (removeAttrs args [ "listToValue" "atomsCoercedToLists" ]) (convert value));
      };
    gitIni = { ... }: { type = types.attrsOf (types.attrsOf (types.either atom (types.listOf atom))); generate = name: value: writeText name (lib.generators.toGitINI value); };
    keyValue = { listsAsDuplicateKeys ? false, listToValue ? null, ... }@args: {
      type = types.attrsOf (if listsAsDuplicateKeys || listToValue != null then types.either atom (types.listOf atom) else atom);
      generate = name: value: writeText name (lib.generators.toKeyValue (removeAttrs args [ "listToValue" ]) (lib.mapAttrs (_: v: if builtins.isList v && listToValue != null then listToValue v else v) value));
    };
  };
}
