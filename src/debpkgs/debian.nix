# Debian packages as derivations. Each .deb is a fixed-output fetch; one or more of them are unpacked and made to work in the store by
# unit.sh: a unit. A unit refers to the units of its dependencies (loader, library path, interpreters), so that a library exists once
# however many programs use it. Which packages share a unit: a family of families.nix; a dependency cycle; and beside a package with
# programs, what it needs of its own source package that is data and no library (cmake and cmake-data).
{ index, system, mirror, families, quirks }:
let
  inherit (builtins) attrNames attrValues concatMap elem filter genericClosure head listToAttrs mapAttrs match replaceStrings toString;

  # What a store path's name may not contain.
  storeName = replaceStrings [ "~" ":" "%3a" "%3A" ] [ "-" "-" "-" "-" ];
  unique = names: attrNames (listToAttrs (map (name: { inherit name; value = null; }) names));
  closureOf = next: names: map (node: node.key) (genericClosure {
    startSet = map (key: { inherit key; }) names;
    operator = node: map (key: { inherit key; }) (next node.key);
  });

  deb = entry: derivation {
    name = storeName (baseNameOf entry.path);
    system = "builtin";
    builder = "builtin:fetchurl";
    url = "${mirror}/${entry.path}";
    urls = [ "${mirror}/${entry.path}" ];
    outputHash = entry.hash;
    outputHashAlgo = "sha256";
    outputHashMode = "flat";
    executable = false;
    unpack = false;
    preferLocalBuild = true;
    impureEnvVars = [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" ];
  };
  debOf = name: deb (index.entry name);

  # A static busybox, the one thing that runs without anything else. floe unpacks it out of its .deb itself (builtin:unpack-deb);
  # whoever else has the path valid can use it, since its content is fixed.
  seedFile = builtins.fromJSON (builtins.readFile ./seed.json);
  seed = derivation {
    name = "busybox-static-${storeName seedFile.version}";
    system = "builtin";
    builder = "builtin:unpack-deb";
    src = debOf "busybox-static";
    members = [ seedFile.member ];
    outputHash = seedFile.narHash;
    outputHashAlgo = "sha256";
    outputHashMode = "recursive";
    preferLocalBuild = true;
  };

  # A build step in busybox's shell, whose applets are commands without any PATH.
  run = name: script: env: derivation ({
    inherit name system;
    builder = "${seed}/bin/busybox";
    args = [ "sh" "-eu" script ];
  } // env);

  # patchelf, tcc and what they need, unpatched: run through the loader by name.
  patcher = run "unit-tools" ./patcher.sh {
    debs = map debOf [ "patchelf" "tcc" "libc6" "libstdc++6" "libgcc-s1" ];
  };

  familyOf = listToAttrs (concatMap (key: map (name: { inherit name; value = key; }) families.${key}.members) (attrNames families));
  # The package that a unit is named after.
  keyOf = name:
    familyOf.${name} or (
      let entry = index.entry name; in
      if entry.cycle == [ ] then name
      else let cycle = unique (entry.cycle ++ [ name ]); in head (filter (member: (index.entry member).hasPrograms) cycle ++ cycle)
    );

  membersOf = key:
    if families ? ${key} then families.${key}.members
    else
      let
        entry = index.entry key;
        cycle = unique (entry.cycle ++ [ key ]);
        belongs = name:
          let other = index.entry name; in
          other.source == entry.source && (other.hasPrograms || !other.has.libraries) && !(familyOf ? ${name});
        sameSource = closureOf (name: filter belongs (index.entry name).dependencies) cycle;
      in
      if entry.hasPrograms then unique sameSource else cycle;

  dependencyNames = key: members:
    families.${key}.dependencies or (filter (name: !(elem name members)) (unique (concatMap (name: (index.entry name).dependencies) members)));

  # Facts of a unit that need no derivation yet.
  planOf = key:
    let
      members = membersOf key;
      all = filter (other: other != key) (unique (map keyOf (dependencyNames key members)));
      inside = filter (other: elem other members) all;
      # A unit that another one contains already would be a second, smaller copy of it.
      contained = other: builtins.any (bigger: bigger != other && elem other (plans bigger).members) all;
    in
    {
      inherit key members;
      dependencies = filter (other: !(contained other)) (filter (other: !(elem other inside)) all);
      has = trait: builtins.any (name: (index.entry name).has.${trait}) members;
      hasPrograms = builtins.any (name: (index.entry name).hasPrograms) members;
    };
  plans = index.memo planOf;

  # What Debian's packages may use without saying so, and scripts name by their place in /bin. The perl of Debian's essential packages
  # is not among them: it would triple what a small program takes.
  essential = [ "dash" "bash" "coreutils" "sed" "grep" ];
  # The units that those are made of find only themselves.
  plain = listToAttrs (map (name: { inherit name; value = null; }) (closureOf (key: (plans key).dependencies) essential));

  unitOf = key:
    let
      plan = plans key;
      entry = index.entry key;
      quirk = quirks.units.${key} or { };
      closure = closureOf (other: (plans other).dependencies) plan.dependencies;
      # The C library's headers come with the compiler.
      isDevelopment = name: match ".*-dev" name != null && name != "libc6-dev";
      propagates = other:
        if isDevelopment key then isDevelopment other && (plans other).has "development"
        else !plan.hasPrograms && ((plans other).has "python" || (plans other).has "perl");
      version = storeName entry.version;
      # Programs that look for files of their own or of their dependencies below /usr; where nothing else was arranged, unit.sh finds out.
      redirects = quirk.redirect or (plan.hasPrograms && !(quirk ? environment) && !(families ? ${key}) && !(plain ? ${key}));
      drv = run "${storeName key}-${version}" ./unit.sh ({
        inherit patcher;
        debs = map debOf (plan.members ++ quirk.unpacks or [ ]);
        dependencies = map units plan.dependencies;
        # where interpreters, their modules and the targets of links are looked for at last
        further = if plan.hasPrograms then map units (filter (other: !(elem other plan.dependencies)) closure) else [ ];
        libc = if key == keyOf "libc6" then "" else units (keyOf "libc6");
        essential = if plain ? ${key} then [ ] else map units essential;
        # Development packages and modules are of use only together with those they name.
        propagated = map units (filter propagates plan.dependencies ++ quirk.propagates or [ ]);
        metapackage = !(plan.has "files");
        programEnvironment = quirk.environment or [ ];
        extra = quirk.script or "";
      }
      // (if quirk ? setupHook then { inherit (quirk) setupHook; } else { })
      // (if redirects then { redirect = ./redirect/redirect.c; always = quirk ? redirect; } else { })
      // (if quirk ? relocate then { inherit (quirk) relocate; relocator = ./redirect/relocate.c; } else { }));
    in
    drv // {
      pname = key;
      inherit (entry) version;
      meta = {
        name = "${key}-${entry.version}";
        inherit (entry) version;
        mainProgram = quirk.mainProgram or (if entry.mainProgram == null then key else entry.mainProgram);
        platforms = [ system ];
      };
      debian = { inherit (plan) members dependencies; };
    };
  units = index.memo unitOf;

in
{
  inherit index seed run deb debOf patcher storeName units plans keyOf;
  /* The unit that holds a Debian package. */
  package = name: units (keyOf name);
}
