# Paths below paths: `lib.path`. A subpath is text such as "./a/b": relative, without "..".
{ lib }:
let
  inherit (builtins) filter head isPath isString match split storeDir substring tail;

  parts = text: filter (part: isString part && part != "" && part != ".") (split "/+" text);
  joined = list: if list == [ ] then "./." else "./" + lib.concatStringsSep "/" list;
  # why a text is no subpath; null if it is one
  fault = text:
    if !(isString text) then "The given value is of type ${builtins.typeOf text}, but a string was expected"
    else if text == "" then "The given string is empty"
    else if substring 0 1 text == "/" then "The given string \"${text}\" starts with a `/`, representing an absolute path"
    else if match "(.*/)?\\.\\.(/.*)?" text != null then "The given string \"${text}\" contains a `..` component, which is not allowed in subpaths"
    else null;
  checked = what: text: let reason = fault text; in if reason == null then parts text else throw "${what}: ${reason}";

  # The names below the root, the root itself apart.
  deconstruct = path:
    let
      go = here: below: let up = dirOf here; in if up == here then { root = here; components = below; } else go up ([ (baseNameOf here) ] ++ below);
    in
    go path [ ];
  needPath = what: value: if isPath value then value else throw "${what}: the argument is ${builtins.typeOf value}, but a path was expected";
in
rec {
  append = path: subpath:
    needPath "lib.path.append" path + ("/" + lib.concatStringsSep "/" (checked "lib.path.append: Second argument is not a valid subpath string" subpath));
  hasPrefix = prefix:
    let first = deconstruct (needPath "lib.path.hasPrefix" prefix); in
    path: let second = deconstruct (needPath "lib.path.hasPrefix" path); in
    first.root == second.root && lib.take (lib.length first.components) second.components == first.components;
  removePrefix = prefix:
    let first = deconstruct (needPath "lib.path.removePrefix" prefix); n = lib.length first.components; in
    path:
    let second = deconstruct (needPath "lib.path.removePrefix" path); in
    if first.root == second.root && lib.take n second.components == first.components then joined (lib.drop n second.components)
    else throw "lib.path.removePrefix: the first path argument \"${toString prefix}\" is not a component-wise prefix of the second path argument \"${toString path}\".";
  splitRoot = path: let it = deconstruct (needPath "lib.path.splitRoot" path); in { inherit (it) root; subpath = joined it.components; };
  hasStorePathPrefix = path:
    let text = toString (needPath "lib.path.hasStorePathPrefix" path); in
    lib.hasPrefix "${storeDir}/" text && match "[0-9a-z]{32}-.+" (head (lib.splitString "/" (lib.removePrefix "${storeDir}/" text))) != null;
  subpath = {
    isValid = text: fault text == null;
    join = texts: joined (lib.concatLists (lib.imap0 (i: checked "lib.path.subpath.join: Element at index ${toString i} is not a valid subpath string") texts));
    components = checked "lib.path.subpath.components: Argument is not a valid subpath string";
    normalise = text: joined (checked "lib.path.subpath.normalise: Argument is not a valid subpath string" text);
  };
}
