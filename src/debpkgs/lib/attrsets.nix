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
  updateManyAttrsByPath = updates: set:
    builtins.foldl' (all: { path, update }: recursiveUpdate all (setAttrByPath path (update (getAttrFromPath path all)))) set updates;
  cartesianProduct = set:
    builtins.foldl' (rows: name: builtins.concatMap (row: map (value: row // { ${name} = value; }) set.${name}) rows) [ { } ] (attrNames set);
}
