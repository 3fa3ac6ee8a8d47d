# Reading package-lock.json (versions 2 and 3 of the format; npm's documentation, "package-lock.json"): where each package of a lock
# comes from, which of them fit this platform, and what a package finds when it looks for another.
{ lib, fetchurl, npmMirror }:
let
  inherit (builtins) attrNames baseNameOf elem filter head match replaceStrings;

  # "node_modules/a/node_modules/@b/c" -> "@b/c"; an alias says itself what it stands for.
  nameOf = key: entry: entry.name or (lib.last (lib.splitString "node_modules/" key));

  # An algorithm that Nix knows; a lock may give several hashes, and options behind "?".
  hashOf = where: integrity:
    let
      hashes = map (text: head (lib.splitString "?" text)) (filter (text: text != "") (lib.splitString " " integrity));
      best = lib.concatMap (algorithm: filter (lib.hasPrefix "${algorithm}-") hashes) [ "sha512" "sha256" "sha1" ];
    in
    if best == [ ] then throw "${where} has an integrity of no kind that Nix can check: '${integrity}'" else head best;

  # The file that an entry of the lock names. Like npm itself this asks the registry that the machine is configured with first, where
  # the recorded address has the shape that every registry gives.
  fetchEntry = lockName: fetcherOpts: key: entry:
    let
      where = "importNpmLock: '${key}' of ${lockName}";
      resolved = entry.resolved or null;
      name = nameOf key entry;
      file = "${name}/-/${baseNameOf name}-${entry.version}.tgz";
      path = if resolved == null then null else match "https?://[^/]+/(.*)" resolved;
      isFromRegistry = resolved == null || path == [ file ];
      fromMirror = "${if npmMirror == null then "mirror://npm" else npmMirror}/${file}";
    in
    if resolved != null && match "git[+:@].*|(github|gitlab|bitbucket):.*|.*\\.git(#.*)?" resolved != null then
      throw "${where} comes from git (${resolved}), for which a lock file has no hash; give its source with packageSourceOverrides.\"${key}\""
    else if resolved != null && path == null then
      throw "${where} comes from a file or folder beside the project (${resolved}); make it a workspace, or give its source with packageSourceOverrides.\"${key}\""
    else if !(entry ? integrity) then
      throw "${where} has no 'integrity' to check it by; run 'npm install' with npm 7 or later and commit the lock file"
    else
      fetchurl ({
        name = "${replaceStrings [ "@" "/" ] [ "" "-" ] name}-${entry.version}.tgz";
        urls = if !isFromRegistry then [ resolved ] else if resolved == null then [ fromMirror ] else if npmMirror != null then [ fromMirror resolved ] else [ resolved fromMirror ];
        hash = hashOf where entry.integrity;
      } // fetcherOpts.${key} or { });

  # `os`, `cpu` and `libc` of package.json: lists, or one word, in which "!x" excludes.
  allows = wanted: here:
    let
      words = lib.toList wanted;
      included = filter (word: !(lib.hasPrefix "!" word)) words;
    in
    !(elem "!${here}" words) && (included == [ ] || elem here included || elem "any" included);
  fits = entry: allows (entry.os or [ ]) "linux" && allows (entry.cpu or [ ]) "x64" && allows (entry.libc or [ ]) "glibc";

  # Where a package at `from` finds another: in its own node_modules, or its parents'.
  find = packages: from: name:
    let
      here = if from == "" then "node_modules/${name}" else "${from}/node_modules/${name}";
      parent = match "(.*)/node_modules/.*" from;
    in
    if packages ? ${here} then here
    else if from == "" then null
    else find packages (if parent == null then "" else head parent) name;

  # The keys of what a package needs, itself included; optional ones only where they fit.
  closureOf = packages: start:
    let
      needs = key:
        let
          entry = packages.${key};
          wanted = kind: map (name: { inherit name; key = find packages key name; optional = kind == "optionalDependencies" || (entry.peerDependenciesMeta.${name}.optional or false); })
            (attrNames (entry.${kind} or { }));
          found = lib.concatMap wanted [ "dependencies" "optionalDependencies" "peerDependencies" ];
          missing = filter (need: need.key == null && !need.optional) found;
        in
        if missing != [ ] then throw "npm: '${key}' needs '${(head missing).name}', which the lock file does not have"
        else filter (need: need.key != null && (!need.optional || fits packages.${need.key})) found;
    in
    map (node: node.key) (builtins.genericClosure {
      startSet = [ { key = start; } ];
      operator = node: map (need: { inherit (need) key; }) (needs node.key);
    });
in
{
  inherit nameOf fetchEntry fits closureOf;
}
