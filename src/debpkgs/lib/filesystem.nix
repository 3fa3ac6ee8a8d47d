# What lies on the disk at evaluation, and sources made of it.
{ lib }:
let
  inherit (builtins) attrNames concatMap pathExists readDir;
in
rec {
  pathType = path: if builtins ? readFileType then builtins.readFileType path else (readDir (dirOf path)).${baseNameOf path};
  pathIsDirectory = path: pathExists path && pathType path == "directory";
  pathIsRegularFile = path: pathExists path && pathType path == "regular";
  listFilesRecursive = folder:
    concatMap
      (name: let path = folder + "/${name}"; in if (readDir folder).${name} == "directory" then listFilesRecursive path else [ path ])
      (attrNames (readDir folder));
  locateDominatingFile = pattern: start:
    let
      go = path:
        let
          matches = lib.filter (match: match != null) (map (builtins.match "(${pattern})") (attrNames (readDir path)));
          parent = dirOf path;
        in
        if matches != [ ] then { inherit path matches; } else if path == parent then null else go parent;
      folder = if pathIsDirectory start then start else dirOf start;
    in
    go folder;
  # Every NAME.nix and NAME/package.nix of a folder, called; other folders as sets of their own.
  packagesFromDirectoryRecursive = { callPackage, directory, newScope ? null, recurseIntoDirectory ? null, ... }@args:
    if pathExists (directory + "/package.nix") then callPackage (directory + "/package.nix") { }
    else
      lib.concatMapAttrs
        (name: type:
          let path = directory + "/${name}"; in
          if type == "directory" then { ${name} = packagesFromDirectoryRecursive (args // { directory = path; }); }
          else if type == "regular" && lib.hasSuffix ".nix" name then { ${lib.removeSuffix ".nix" name} = callPackage path { }; }
          else { })
        (readDir directory);
  resolveDefaultNix = path: if pathIsDirectory path || (builtins.isString path && lib.hasSuffix "/" path) then path + "/default.nix" else path;

  # Sources that are filtered, and filtered again: the filter sees paths of the folder it all began with.
  cleanSourceWith = { src, filter ? (_: _: true), name ? null }:
    let
      inner = if src ? _isLibCleanSourceWith then src else { filter = _: _: true; origSrc = src; name = null; };
      both = path: type: filter path type && inner.filter path type;
      finalName = if name != null then name else if inner.name != null then inner.name else "source";
    in
    {
      _isLibCleanSourceWith = true;
      origSrc = inner.origSrc;
      filter = both;
      name = finalName;
      outPath = builtins.path { path = inner.origSrc; filter = both; name = finalName; };
    };
  # Without what a build would not want to see change.
  cleanSourceFilter = name: type:
    let base = baseNameOf (toString name); in
    !(
      (base == ".git" || (type == "directory" && (base == ".svn" || base == "CVS" || base == ".hg" || base == ".jj" || base == ".pijul" || base == "_darcs")))
      || lib.hasSuffix "~" base || builtins.match "^\\.sw[a-z]$" base != null || builtins.match "^\\..*\\.sw[a-z]$" base != null
      || lib.hasSuffix ".o" base || lib.hasSuffix ".so" base
      || (type == "symlink" && lib.hasPrefix "result" base)
      || type == "unknown"
    );
  cleanSource = src: cleanSourceWith { filter = cleanSourceFilter; inherit src; };
  sourceByRegex = src: patterns:
    let origin = if src ? _isLibCleanSourceWith then src.origSrc else src; in
    cleanSourceWith {
      inherit src;
      filter = path: _: let relative = lib.removePrefix (toString origin + "/") (toString path); in lib.any (pattern: builtins.match pattern relative != null) patterns;
    };
  sourceFilesBySuffices = src: suffixes:
    cleanSourceWith { inherit src; filter = name: type: type == "directory" || lib.any (suffix: lib.hasSuffix suffix (baseNameOf name)) suffixes; };
  canCleanSource = src: src ? _isLibCleanSourceWith || !(lib.hasPrefix builtins.storeDir (toString src));

  # The commit that a folder's .git stands at.
  pathIsGitRepo = path: (builtins.tryEval (commitIdFromGitRepo path)).success && (builtins.tryEval (builtins.deepSeq (commitIdFromGitRepo path) true)).success;
  commitIdFromGitRepo = path:
    let
      text = file: lib.removeSuffix "\n" (builtins.readFile file);
      read = folder: name:
        let
          file = folder + "/${name}";
          packed = folder + "/packed-refs";
          link = builtins.match "ref: (.*)" (text file);
          line = lib.findFirst (line: lib.hasSuffix " ${name}" line) null (lib.splitString "\n" (builtins.readFile packed));
        in
        if pathExists file then (if link != null then read folder (builtins.head link) else text file)
        else if pathExists packed && line != null then builtins.head (lib.splitString " " line)
        else throw "commitIdFromGitRepo: '${toString folder}' has no ${name}";
    in
    if pathExists (path + "/HEAD") || pathIsDirectory path then read path "HEAD" else throw "commitIdFromGitRepo: '${toString path}' is no git folder";
  revOrTag = rev: tag:
    if tag != null && rev != null then throw "revOrTag: both 'rev' and 'tag' are given" else if tag != null then tag else if rev != null then rev else throw "revOrTag: neither 'rev' nor 'tag' is given";
  urlToName = url:
    let base = baseNameOf (lib.removeSuffix "/" (lib.last (lib.splitString ":" (toString url)))); in
    if builtins.match "(.*)\\.git" base != null then lib.removeSuffix ".git" base else base;
}
