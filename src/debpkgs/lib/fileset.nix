# Sets of files: `lib.fileset`. A set is a folder and, below it, a tree: true for all, false for none, or a set of names. Built lazily: a
# folder is read where a part of it is in and a part is not.
{ lib }:
let
  inherit (builtins) attrNames isAttrs isPath mapAttrs pathExists readDir;

  isFileset = value: isAttrs value && value._type or null == "fileset";
  make = base: tree: { _type = "fileset"; inherit base tree; __noEval = throw "lib.fileset: a file set has no value of its own; lib.fileset.toSource makes a source of it"; };
  empty = { _type = "fileset"; base = null; tree = false; };

  typeOf = path: (readDir (dirOf path)).${baseNameOf path};
  parents = path: let up = dirOf path; in if up == path then [ ] else parents up ++ [ (baseNameOf path) ];
  rootOf = path: let up = dirOf path; in if up == path then path else rootOf up;

  # A path, a source or a set: as a set. What a path names alone is a tree with one name.
  coerce = what: value:
    if isFileset value then value
    else if isAttrs value && value ? _isLibCleanSourceWith then fromSource value
    else if isPath value then
      if !(pathExists value) then throw "${what}: '${toString value}' does not exist; lib.fileset.maybeMissing allows that"
      else if typeOf' value == "directory" then make value true
      else make (dirOf value) { ${baseNameOf value} = true; }
    else throw "${what}: ${if isAttrs value && value ? outPath || builtins.isString value then "a string or a derivation" else builtins.typeOf value} is neither a path nor a file set";
  typeOf' = path: if dirOf path == path then "directory" else typeOf path;

  # Trees as seen from a folder further up.
  lift = names: tree: if names == [ ] then tree else { ${builtins.head names} = lift (builtins.tail names) tree; };
  commonBase = sets:
    let
      names = map (set: parents set.base) sets;
      shared = lib.foldl' lib.lists.commonPrefix (builtins.head names) names;
      base = (rootOf (builtins.head sets).base) + ("/" + lib.concatStringsSep "/" shared);
    in
    { inherit base; trees = lib.zipListsWith (set: ns: lift (lib.drop (lib.length shared) ns) set.tree) sets names; };

  # The names of a folder that a tree says true of, spelled out.
  spell = path: tree: if tree == true then mapAttrs (_: _: true) (readDir path) else if tree == false then { } else tree;

  unionTree = trees: if lib.elem true trees then true else let parts = lib.filter isAttrs trees; in if parts == [ ] then false else builtins.zipAttrsWith (_: unionTree) parts;
  intersectTree = a: b:
    if a == true then b else if b == true then a
    else if a == false || b == false then false
    else builtins.mapAttrs (name: intersectTree a.${name}) (builtins.intersectAttrs a b);
  differenceTree = path: a: b:
    if b == true || a == false then false
    else if b == false then a
    else let left = spell path a; in mapAttrs (name: tree: differenceTree (path + "/${name}") tree (b.${name} or false)) left;

  # Whether anything is in.
  hasAny = path: tree:
    if tree == false then false
    else if tree == true then (let entries = readDir path; in true)
    else lib.any (name: tree.${name} != false && (tree.${name} == true -> typeOf (path + "/${name}") != "directory" || hasFiles (path + "/${name}")) && (isAttrs tree.${name} -> hasAny (path + "/${name}") tree.${name})) (attrNames tree);
  hasFiles = path: let entries = readDir path; in lib.any (name: entries.${name} != "directory" || hasFiles (path + "/${name}")) (attrNames entries);

  filesOf = path: tree:
    lib.concatMap
      (name:
        let here = path + "/${name}"; below = (spell path tree).${name}; in
        if below == false then [ ] else if isAttrs below || typeOf here == "directory" then filesOf here below else [ here ])
      (attrNames (spell path tree));

  binary = what: f: a: b:
    let
      first = coerce what a; second = coerce what b;
      both = commonBase [ first second ];
    in
    if first.base == null || second.base == null then f.empty first second
    else make both.base (f.trees both.base (builtins.elemAt both.trees 0) (builtins.elemAt both.trees 1));

  fromSource = source: { _type = "fileset"; base = source.origSrc; tree = sourceTree source source.origSrc; };
  sourceTree = source: path:
    let
      entries = readDir path;
      kept = lib.filterAttrs (name: type: source.filter (toString (path + "/${name}")) type) entries;
    in
    mapAttrs (name: type: if type == "directory" then sourceTree source (path + "/${name}") else true) kept;

  unions = list:
    let
      sets = lib.filter (set: set.base != null) (map (coerce "lib.fileset.unions") list);
      all = commonBase sets;
    in
    if sets == [ ] then empty else make all.base (unionTree all.trees);
in
rec {
  inherit unions;
  union = a: b: unions [ (coerce "lib.fileset.union" a) (coerce "lib.fileset.union" b) ];
  intersection = binary "lib.fileset.intersection" { empty = _: _: empty; trees = _: intersectTree; };
  difference = binary "lib.fileset.difference" { empty = first: _: first; trees = differenceTree; };
  maybeMissing = path: if !(isPath path) then throw "lib.fileset.maybeMissing: ${builtins.typeOf path} is no path" else if pathExists path then coerce "lib.fileset.maybeMissing" path else empty;
  fileFilter = test: path:
    let
      go = folder:
        mapAttrs
          (name: type:
            if type == "directory" then go (folder + "/${name}")
            else test { inherit name type; hasExt = extension: lib.hasSuffix ".${extension}" name; })
          (readDir folder);
      alone = baseNameOf path;
    in
    if !(isPath path) then throw "lib.fileset.fileFilter: the second argument is ${builtins.typeOf path}, but a path was expected"
    else if typeOf' path == "directory" then make path (go path)
    else make (dirOf path) { ${alone} = test { name = alone; type = typeOf path; hasExt = extension: lib.hasSuffix ".${extension}" alone; }; };
  fromSource = source: coerce "lib.fileset.fromSource" (if source ? _isLibCleanSourceWith then source else if isPath source then source else throw "lib.fileset.fromSource: the source is neither a path nor made by lib.sources");
  toList = set: let it = coerce "lib.fileset.toList" set; in if it.base == null then [ ] else filesOf it.base it.tree;
  # A source with the files of the set that lie below `root`.
  toSource = { root, fileset }:
    let
      set = coerce "lib.fileset.toSource" fileset;
      here = parents root;
      there = parents set.base;
      n = lib.length here;
      # the tree as seen from the root
      tree =
        if set.base == null then false
        else if lib.take n there == here then lift (lib.drop n there) set.tree
        else if lib.take (lib.length there) here == there then descend (lib.drop (lib.length there) here) set.tree
        else false;
      descend = names: t: if names == [ ] || t == true || t == false then t else descend (builtins.tail names) (t.${builtins.head names} or false);
      outside = set.base != null && lib.any (file: !(lib.path.hasPrefix root file)) (if lib.take n there == here then [ ] else filesOf set.base set.tree);
      at = names: descend names tree;
      filter = path: type:
        let
          names = lib.drop (lib.length here) (lib.filter (part: part != "") (lib.splitString "/" path));
          t = at names;
        in
        if type == "directory" then (if isAttrs t then hasAny (root + ("/" + lib.concatStringsSep "/" names)) t else t == true && hasFiles (root + ("/" + lib.concatStringsSep "/" names))) else t == true;
    in
    if !(isPath root) then throw "lib.fileset.toSource: `root` is ${builtins.typeOf root}, but a path was expected"
    else if !(pathExists root) then throw "lib.fileset.toSource: `root` (${toString root}) is a path that does not exist"
    else if outside then throw "lib.fileset.toSource: `fileset` has files outside of `root` (${toString root})"
    else lib.cleanSourceWith { name = "source"; src = root; inherit filter; };
  # What git keeps track of, for a repository that is fetched as a flake's own source.
  gitTracked = gitTrackedWith { };
  gitTrackedWith = { recurseSubmodules ? false }: path:
    let
      isStore = lib.path.hasStorePathPrefix path;
      fetched = builtins.fetchGit ({ url = path; } // (if recurseSubmodules then { submodules = true; } else { }) // { shallow = true; });
      follow = folder: below:
        mapAttrs (name: type: if type == "directory" then follow (folder + "/${name}") null else true) (readDir folder);
    in
    if isStore then make path true else make path (follow fetched.outPath null);
  trace = set: value: builtins.trace (lib.concatMapStringsSep "\n" toString (toList set)) value;
  traceVal = set: trace set set;
}
