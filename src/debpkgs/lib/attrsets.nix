# Attribute sets.
{ lib }:
let
  inherit (builtins) attrNames attrValues listToAttrs mapAttrs;
in
rec {
  inherit (builtins) attrNames attrValues catAttrs getAttr hasAttr intersectAttrs isAttrs listToAttrs mapAttrs removeAttrs zipAttrsWith;
  nameValuePair = name: value: { inherit name value; };
  attrByPath = path: default: set:
    if path == [ ] then set
    else if builtins.isAttrs set && set ? ${builtins.head path} then attrByPath (builtins.tail path) default set.${builtins.head path}
    else default;
  hasAttrByPath = path: set:
    path == [ ] || (builtins.isAttrs set && set ? ${builtins.head path} && hasAttrByPath (builtins.tail path) set.${builtins.head path});
  getAttrFromPath = path: set: attrByPath path (throw "the attribute '${lib.concatStringsSep "." path}' is missing") set;
  setAttrByPath = path: value: if path == [ ] then value else { ${builtins.head path} = setAttrByPath (builtins.tail path) value; };
  attrVals = names: set: map (name: set.${name}) names;
  getAttrs = names: set: genAttrs names (name: set.${name});
  genAttrs = names: f: listToAttrs (map (name: { inherit name; value = f name; }) names);
  genAttrs' = xs: f: listToAttrs (map f xs);
  filterAttrs = test: set: removeAttrs set (builtins.filter (name: !(test name set.${name})) (attrNames set));
  filterAttrsRecursive = test: set:
    mapAttrs (_: value: if builtins.isAttrs value then filterAttrsRecursive test value else value) (filterAttrs test set);
  mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
  attrsToList = mapAttrsToList nameValuePair;
  concatMapAttrs = f: set: builtins.foldl' (all: more: all // more) { } (mapAttrsToList f set);
  mapAttrsRecursive = mapAttrsRecursiveCond (_: true);
  mapAttrsRecursiveCond = condition: f:
    let go = path: mapAttrs (name: value: if builtins.isAttrs value && condition value then go (path ++ [ name ]) value else f (path ++ [ name ]) value);
    in go [ ];
  foldlAttrs = f: start: set: builtins.foldl' (state: name: f state name set.${name}) start (attrNames set);
  collect = test: set: if test set then [ set ] else if builtins.isAttrs set then builtins.concatMap (collect test) (attrValues set) else [ ];
  optionalAttrs = condition: set: if condition then set else { };
  zipAttrs = builtins.zipAttrsWith (_: values: values);
  mergeAttrsList = builtins.foldl' (a: b: a // b) { };
  recursiveUpdateUntil = stop: left: right:
    let
      go = path: builtins.zipAttrsWith (name: values:
        let here = path ++ [ name ]; in
        if builtins.length values == 1 || stop here (builtins.elemAt values 1) (builtins.head values) then builtins.head values
        else go here values);
    in
    go [ ] [ right left ];
  recursiveUpdate = recursiveUpdateUntil (_: left: right: !(builtins.isAttrs left && builtins.isAttrs right));
  isDerivation = value: value.type or null == "derivation";
  recurseIntoAttrs = set: set // { recurseForDerivations = true; };
  dontRecurseIntoAttrs = set: set // { recurseForDerivations = false; };
  # Each `update` gets what lies at its path, other updates below that path included.
  updateManyAttrsByPath = updates:
    let
      at = path: update: old:
        if path == [ ] then update old
        else
          let name = builtins.head path; below = builtins.tail path; in
          (if builtins.isAttrs old then old else { }) // { ${name} = at below update (old.${name} or (throw "updateManyAttrsByPath: there is no '${name}' to update")); };
      # longer paths first
      ordered = builtins.sort (a: b: builtins.length a.path > builtins.length b.path) updates;
    in
    set: builtins.foldl' (all: { path, update }: at path update all) set ordered;
  cartesianProduct = set:
    builtins.foldl' (rows: name: builtins.concatMap (row: map (value: row // { ${name} = value; }) set.${name}) rows) [ { } ] (attrNames set);
  mapCartesianProduct = f: set: map f (cartesianProduct set);
  foldAttrs = f: end: builtins.zipAttrsWith (_: lib.foldr f end);
  zipAttrsWithNames = names: f: sets: genAttrs names (name: f name (builtins.catAttrs name sets));
  mapAttrsToListRecursive = mapAttrsToListRecursiveCond (_: _: true);
  mapAttrsToListRecursiveCond = condition: f:
    let
      go = path: set: builtins.concatMap
        (name:
          let here = path ++ [ name ]; value = set.${name}; in
          if builtins.isAttrs value && condition here value then go here value else [ (f here value) ])
        (attrNames set);
    in
    go [ ];
  # Whether all of the pattern is in the set, with the same values.
  matchAttrs = pattern: set:
    builtins.all
      (name: set ? ${name} && (
        let p = pattern.${name}; v = set.${name}; in
        if builtins.isAttrs p then builtins.isAttrs v && matchAttrs p v else p == v
      ))
      (attrNames pattern);
  overrideExisting = old: new: mapAttrs (name: value: new.${name} or value) old;
  unionOfDisjoint = a: b:
    let both = attrNames (builtins.intersectAttrs a b); in
    if both == [ ] then a // b
    else a // b // genAttrs both (name: throw "unionOfDisjoint: both sets have '${name}' (collisions: ${builtins.concatStringsSep " " both})");
  showAttrPath = path: if path == [ ] then "<root attribute path>" else lib.concatMapStringsSep "." lib.strings.escapeNixIdentifier path;
  longestValidPathPrefix = path: value:
    let
      go = n: at:
        if n == builtins.length path then n
        else
          let name = builtins.elemAt path n; in
          if builtins.isAttrs at && at ? ${name} then go (n + 1) at.${name} else n;
    in
    lib.take (go 0 value) path;
  # A store path as a derivation that has been built already.
  toDerivation = path:
    let
      outPath = builtins.storePath path;
      result = { type = "derivation"; name = lib.sanitizeDerivationName (builtins.substring 33 (-1) (baseNameOf outPath)); inherit outPath; outputs = [ "out" ]; out = result; outputName = "out"; };
    in
    result;
}
