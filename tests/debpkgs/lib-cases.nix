# What functions of a lib give for many arguments: { name = [ "JSON of a value, or error" ... ]; }. lib-cases.exp has what nixpkgs' lib gives.
lib:
let
  S = [ "" "a" "abc" "a.b..c" " a b\t\n" "-x" "Foo_bar-baz Qux" "\${x}\n" "a\"b'c<&>" "12" "007" "-5" "/a//b/" "foo-1.2.tar.gz" "fooBarHTTP" "a=1" ];
  P = [ "" "a" "." "/" "-" "foo" "c" "ab" ];
  L = [ [ ] [ 1 ] [ 1 2 3 ] [ 3 1 2 1 ] [ "a" "b" "a" ] [ [ 1 ] [ 2 [ 3 ] ] ] [ null true { a = 1; } ] ];
  N = [ 0 1 2 3 5 17 ];
  A = [ { } { a = 1; } { a = { b = 2; c.d = 3; }; e = 4; } { x = [ 1 2 ]; y = "z"; } { a = null; b.c = [ ]; } { a.b = 5; a.c.e = "t"; z = false; } ];
  V = [ "1.2.3" "1.10" "2" "1.2-rc1" "" ];
  PATHS = [ [ ] [ "a" ] [ "a" "b" ] [ "a" "c" "d" ] [ "x" "y" ] [ "b" "c" ] ];

  # JSON of what can be shown; functions and errors by a word
  show = value:
    let
      plain = v: if lib.isFunction v && !(builtins.isAttrs v) then "<function>" else if builtins.isPath v then "<path ${baseNameOf v}>" else if builtins.isList v then map plain v else if builtins.isAttrs v then (if v ? outPath then "<${v.name or "drv"}>" else builtins.mapAttrs (_: plain) (removeAttrs v [ "__functor" ])) else v;
      result = builtins.tryEval (builtins.deepSeq (plain value) (builtins.toJSON (plain value)));
    in
    if result.success then builtins.unsafeDiscardStringContext result.value else "error";
  one = f: xs: map (x: show (f x)) xs;
  two = f: xs: ys: builtins.concatMap (x: map (y: show (f x y)) ys) xs;
  three = f: xs: ys: zs: builtins.concatMap (x: two (f x) ys zs) xs;
  drv = { type = "derivation"; name = "tool-1.2"; pname = "tool"; version = "1.2"; outPath = "/out"; outputs = [ "out" "dev" "lib" ]; out = { outPath = "/out"; outputSpecified = true; }; dev = { outPath = "/dev"; outputSpecified = true; }; lib = { outPath = "/lib"; outputSpecified = true; }; meta = { mainProgram = "run"; platforms = [ "x86_64-linux" ]; }; };
  even = x: builtins.isInt x && lib.mod x 2 == 0;
  g = lib.generators;
  ini = { a = { x = 1; y = "b=c"; z = true; }; "s[e]c" = { l = [ 1 2 ]; n = null; }; };
  nested = { a = 1; b = "x\ny"; c = [ 1 "t" { d = null; } ]; e = { }; f = [ ]; "g h" = 1.5; i = x: x; j = { k, l ? 1 }: k; m = drv; n = "\${o}\""; };
  git = { user = { name = "A B"; email = "a@b"; }; url."git@x:" = { insteadOf = [ "https://x/" "y" ]; }; alias.x = "!f() { a \"b\"; }; f # c"; core.n = 3; };
in
{
  # strings
  stringToCharacters = one lib.stringToCharacters S;
  stringAsChars = one (lib.stringAsChars (c: if c == "a" then "xy" else c)) S;
  hasPrefix = two lib.hasPrefix P S;
  hasSuffix = two lib.hasSuffix P S;
  hasInfix = two lib.hasInfix P S;
  removePrefix = two lib.removePrefix P S;
  removeSuffix = two lib.removeSuffix P S;
  splitString = two lib.splitString (lib.tail P) S;
  concatMapStringsSep = two (s: lib.concatMapStringsSep s (x: x + "!")) P [ [ ] [ "a" ] [ "a" "b" ] ];
  concatImapStrings = one (lib.concatImapStrings (i: x: "${toString i}-${x}")) [ [ ] [ "a" "b" ] ];
  concatLines = one lib.concatLines [ [ ] [ "a" "b" ] ];
  intersperse = two lib.intersperse P [ [ ] [ "a" ] [ "a" "b" "c" ] ];
  replicate = two lib.strings.replicate N P;
  toUpper = one lib.toUpper S;
  toLower = one lib.toLower S;
  toSentenceCase = one lib.toSentenceCase S;
  toCamelCase = one lib.toCamelCase S;
  trim = one lib.trim S;
  trimWith = two (start: s: lib.trimWith { inherit start; end = !start; } s) [ true false ] S;
  escape = one (lib.escape [ "a" "." "$" ]) S;
  escapeC = one (lib.strings.escapeC [ "a" "." " " ]) S;
  escapeURL = one lib.escapeURL S;
  escapeXML = one lib.escapeXML S;
  escapeRegex = one lib.escapeRegex S;
  escapeShellArg = one lib.escapeShellArg (S ++ [ 1 ]);
  escapeShellArgs = one lib.escapeShellArgs [ [ ] S [ 1 2 ] ];
  escapeNixString = one lib.strings.escapeNixString S;
  escapeNixIdentifier = one lib.strings.escapeNixIdentifier (S ++ [ "a'" "_b" ]);
  toShellVar = two lib.toShellVar [ "a" "1" "b_c" ] (S ++ [ [ 1 "x y" ] 1 { k = "v w"; } ]);
  isValidPosixName = one lib.isValidPosixName S;
  fixedWidthString = two (n: lib.fixedWidthString n "0") [ 3 16 17 20 ] S;
  fixedWidthNumber = two lib.fixedWidthNumber [ 2 5 ] N;
  toInt = one lib.toInt S;
  toIntBase10 = one lib.toIntBase10 S;
  splitStringBy = two (keep: lib.splitStringBy (p: c: c == "." || c == "-") keep) [ true false ] S;
  replaceString = three lib.replaceString [ "a" "." ] [ "" "zz" ] S;
  commonPrefixLength = two lib.strings.commonPrefixLength S P;
  commonSuffixLength = two lib.strings.commonSuffixLength S P;
  levenshtein = two lib.strings.levenshtein [ "" "abc" "kitten" ] [ "" "abd" "sitting" "xabc" ];
  levenshteinAtMost = three lib.strings.levenshteinAtMost N [ "" "abc" "kitten" ] [ "" "abd" "sitting" ];
  normalizePath = one lib.strings.normalizePath S;
  sanitizeDerivationName = one lib.strings.sanitizeDerivationName S;
  nameFromURL = one (u: lib.nameFromURL u "-") [ "https://x/foo-1.2.tar.gz" "foo-bar.zip" ];
  versionOlder = two lib.versionOlder V V;
  versionAtLeast = two lib.versionAtLeast V V;
  versions = one (v: [ (lib.versions.major v) (lib.versions.minor v) (lib.versions.majorMinor v) ]) [ "1.2.3" "1.10" "1.2-rc1" ];
  patch = one lib.versions.patch [ "1.2.3" "1.2.3.4" ];
  getName = one lib.getName [ "foo-1.2" drv ];
  getVersion = one lib.getVersion [ "foo-1.2" "foo" drv ];
  flags = one (b: [ (lib.enableFeature b "x") (lib.enableFeatureAs b "x" "y") (lib.withFeature b "x") (lib.withFeatureAs b "x" "y") (lib.cmakeBool "X" b) (lib.cmakeFeature "X" "y") (lib.mesonBool "x" b) (lib.mesonEnable "x" b) (lib.mesonOption "x" "y") ]) [ true false ];
  cmakeOptionType = two (t: lib.cmakeOptionType t "X") [ "bool" "STRING" "odd" ] [ "v" ];
  isStringLike = one lib.isStringLike (S ++ L ++ A ++ [ drv ./lib.nix ]);
  makeSearchPath = two lib.makeSearchPath [ "bin" "" ] [ [ ] [ "/a" ] [ "/a" null "/b" ] ];
  makeBinPath = one lib.makeBinPath [ [ ] [ "/a" drv ] ];
  charToInt = one lib.strings.charToInt [ "a" "Z" "~" "\n" " " ];
  floatToString = one lib.strings.floatToString [ 1.5 2.0 0.25 ];
  concatMapAttrsStringSep = one (lib.concatMapAttrsStringSep ";" (k: v: "${k}:${toString v}")) [ { } { a = 1; b = "c"; } ];

  # lists
  take = two lib.take N L;
  drop = two lib.drop N L;
  takeEnd = two lib.takeEnd N L;
  dropEnd = two lib.dropEnd N L;
  sublist = three lib.sublist N N L;
  last = one lib.last L;
  init = one lib.init L;
  reverseList = one lib.reverseList L;
  unique = one lib.unique L;
  allUnique = one lib.allUnique L;
  flatten = one lib.flatten L;
  toList = one lib.toList (L ++ N);
  remove = two lib.remove [ 1 "a" null ] L;
  findFirst = one (lib.findFirst even "none") L;
  findFirstIndex = one (lib.lists.findFirstIndex even (-1)) L;
  findSingle = one (lib.findSingle even "none" "several") (L ++ [ [ 2 4 ] ]);
  count = one (lib.count even) L;
  range = two lib.range N N;
  imap0 = one (lib.imap0 (i: x: [ i x ])) L;
  imap1 = one (lib.imap1 (i: x: [ i x ])) L;
  ifilter0 = one (lib.ifilter0 (i: x: i == 1)) L;
  foldr = one (lib.foldr (a: b: [ a b ]) 0) L;
  foldl = one (lib.foldl (a: b: [ a b ]) 0) L;
  zipLists = two lib.zipLists L L;
  intersectLists = two lib.intersectLists L L;
  subtractLists = two lib.subtractLists L L;
  mutuallyExclusive = two lib.mutuallyExclusive L L;
  naturalSort = one lib.naturalSort [ [ ] [ "disk11" "disk8" "disk100" "disk9" ] [ "10.46.133.149" "10.5.16.62" "10.54.16.25" ] [ "v0.2" "v0.15" "v0.0.9" ] [ "b" "a1b" "a10" "a9" ] ];
  sortOn = one (lib.sortOn (x: -x)) [ [ ] [ 3 1 2 ] ];
  compareLists = two (lib.compareLists lib.compare) [ [ ] [ 1 ] [ 1 2 ] [ 2 ] ] [ [ ] [ 1 ] [ 1 2 ] [ 2 ] ];
  commonPrefix = two lib.lists.commonPrefix L L;
  listHasPrefix = two lib.lists.hasPrefix L L;
  listRemovePrefix = two lib.lists.removePrefix L L;
  groupBy' = one (lib.groupBy' builtins.add 0 (x: if even x then "even" else "odd")) [ [ ] [ 1 2 3 4 ] ];
  toposort = one (lib.toposort (a: b: lib.elem b (a.before or [ ]) || a.n < b.n && !(b ? free))) [ [ ] [ { n = 2; } { n = 1; } { n = 3; } ] ];
  toposortStrings = one (lib.toposort lib.hasPrefix) [ [ "/home/me/other" "/home" "/" "/home/me" ] [ "/a" "/b" ] ];
  toposortCycle = one (lib.toposort (a: b: a == "a" && b == "b" || a == "b" && b == "c" || a == "c" && b == "a")) [ [ "a" "b" "c" ] [ "d" "a" "b" ] ];
  listDfs = one (lib.listDfs true lib.hasPrefix) [ [ "/home/me" "other" "/" "/home" ] ];
  crossLists = one (lib.crossLists (a: b: [ a b ])) [ [ [ 1 2 ] [ 3 4 ] ] ];
  uniqueStrings = one lib.uniqueStrings [ [ "b" "a" "b" ] ];

  # attribute sets
  attrByPath = two (p: lib.attrByPath p "default") PATHS A;
  hasAttrByPath = two lib.hasAttrByPath PATHS A;
  setAttrByPath = one (p: lib.setAttrByPath p 1) PATHS;
  longestValidPathPrefix = two lib.attrsets.longestValidPathPrefix PATHS A;
  recursiveUpdate = two lib.recursiveUpdate A A;
  matchAttrs = two lib.matchAttrs A A;
  overrideExisting = two lib.overrideExisting A A;
  unionOfDisjoint = two lib.attrsets.unionOfDisjoint A A;
  filterAttrs = one (lib.filterAttrs (n: v: n != "a")) A;
  filterAttrsRecursive = one (lib.filterAttrsRecursive (n: v: v != null && n != "d")) A;
  mapAttrsRecursive = one (lib.mapAttrsRecursive (path: v: [ path v ])) A;
  mapAttrsToListRecursive = one (lib.mapAttrsToListRecursive (path: v: [ path v ])) A;
  mapAttrs' = one (lib.mapAttrs' (n: v: lib.nameValuePair ("x" + n) v)) A;
  mapAttrsToList = one (lib.mapAttrsToList (n: v: [ n v ])) A;
  attrsToList = one lib.attrsToList A;
  concatMapAttrs = one (lib.concatMapAttrs (n: v: { "${n}1" = v; "${n}2" = n; })) A;
  foldlAttrs = one (lib.foldlAttrs (acc: n: v: acc + n) "") A;
  foldAttrs = one (lib.foldAttrs (x: acc: [ x ] ++ acc) [ ]) [ [ ] A ];
  collect = one (lib.collect builtins.isInt) A;
  cartesianProduct = one lib.cartesianProduct [ { } { a = [ 1 2 ]; b = [ 3 4 ]; } { a = [ ]; b = [ 1 ]; } ];
  mapCartesianProduct = one (lib.mapCartesianProduct ({ a, b }: "${a}-${b}")) [ { a = [ "1" "2" ]; b = [ "x" ]; } ];
  zipAttrs = one lib.zipAttrs [ [ ] A ];
  zipAttrsWithNames = one (lib.zipAttrsWithNames [ "a" "q" ] (n: vs: vs)) [ [ ] A ];
  showAttrPath = one lib.showAttrPath [ [ ] [ "a" "b c" ] ];
  updateManyAttrsByPath = one (lib.updateManyAttrsByPath [ { path = [ "a" ]; update = old: { b = old.b or 0; new = 1; }; } { path = [ "a" "b" ]; update = old: [ old ]; } ]) [ { a = { b = 1; c = 2; }; d = 3; } ];
  mergeAttrsList = one lib.mergeAttrsList [ [ ] A ];
  isDerivation = one lib.isDerivation (A ++ [ drv 1 ]);
  outputs = one (o: map (f: (f drv).outPath) [ lib.getBin lib.getDev lib.getLib lib.getMan (lib.getOutput o) ]) [ "dev" "doc" ];
  getExe = one lib.getExe [ drv ];
  genAttrs = one (names: lib.genAttrs names (n: n + n)) [ [ ] [ "a" "b" ] ];

  # the rest
  toHexString = one lib.toHexString [ 0 1 15 16 250 65535 ];
  fromHexString = one lib.fromHexString [ "FF" "0x10" "a1" ];
  toBaseDigits = two lib.toBaseDigits [ 2 8 16 ] [ 0 1 250 ];
  bits = two (a: b: [ (lib.bitAnd a b) (lib.bitOr a b) (lib.bitXor a b) (lib.bitNot a) ]) N N;
  mod = two lib.mod [ 7 8 (-7) ] [ 2 3 ];
  minmax = two (a: b: [ (lib.min a b) (lib.max a b) (lib.compare a b) ]) N N;
  xor = two (a: b: [ (lib.xor a b) (lib.and a b) (lib.or a b) ]) [ true false ] [ true false ];
  functionArgs = one lib.functionArgs [ ({ a, b ? 1 }: a) (x: x) (lib.setFunctionArgs (x: x) { c = true; }) ];
  pipe = one (x: lib.pipe x [ (y: y + 1) (y: y * 2) ]) N;
  splitByAndCompare = two (lib.splitByAndCompare (lib.hasPrefix "a") lib.compare lib.compare) P P;
  fix = one (x: (lib.fix (self: { a = x; b = self.a + 1; })).b) N;
  extends = one (x: lib.fix (lib.extends (final: prev: { a = prev.a + x; c = final.b; }) (final: { a = 1; b = final.a * 2; }))) N;
  composeManyExtensions = one (x: lib.fix (lib.extends (lib.composeManyExtensions [ (f: p: { a = p.a + x; }) (f: p: { a = p.a * 2; }) ]) (f: { a = 1; }))) N;
  toExtension = one (e: lib.toExtension e { f = 1; } { p = 2; }) [ { a = 1; } (p: { inherit p; }) (f: p: { inherit f p; }) ];
  converge = one (lib.converge (x: x / 2)) N;
  toKeyValue = one (g.toKeyValue { }) [ { } { a = 1; b = "c=d"; e = true; f = null; } ];
  toKeyValueLists = one (g.toKeyValue { listsAsDuplicateKeys = true; indent = "  "; }) [ { a = [ 1 2 ]; b = "x"; } ];
  toINI = one (g.toINI { }) [ { } { a.b = 1; } { a = { x = 1; y = "b=c"; }; "s[e]c".n = true; } ];
  toINILists = one (g.toINI { listsAsDuplicateKeys = true; }) [ ini ];
  toINIWithGlobalSection = one (g.toINIWithGlobalSection { }) [ { globalSection = { }; sections.a.b = 1; } { globalSection.x = 1; sections.a.b = "c"; } { globalSection.x = 1; } ];
  toGitINI = one g.toGitINI [ { } { a.b = 1; } git ];
  toPretty = two (options: g.toPretty options) [ { } { multiline = false; } { indent = "    "; } ] ([ nested ] ++ L ++ A);
  toLua = two (options: g.toLua options) [ { } { multiline = false; } ] ([ { a = 1; b = [ true null "x" ]; "c d" = g.mkLuaInline "f()"; e = { }; } ] ++ A);
  toLuaBindings = one (g.toLua { asBindings = true; }) [ { a = 1; b.c = 2; } ];
  toPlist = one (g.toPlist { escape = true; }) [ { a = 1; b = [ "x<" true ]; c = { }; d = null; e = 1.5; } ];
  toYAML = one (g.toYAML { }) A;
  toGNUCommandLineShell = one (lib.cli.toGNUCommandLineShell { }) [ { X = "PUT"; data = "{\"id\":0}"; retry = 3; retry-delay = null; url = [ "https://a" "b c" ]; silent = false; verbose = true; } ];
  withRecursion = one (g.withRecursion { depthLimit = 1; throwOnDepthLimit = false; }) A;
  showOption = one lib.showOption [ [ ] [ "a" "b c" "*" "<name>" ] ];
  path = one (p: [ (lib.path.subpath.isValid p) ]) (S ++ [ "./a" "a/../b" ".." "." ]);
  subpath = one lib.path.subpath.normalise (S ++ [ "./a//b/." "a/../b" "." ]);
  subpathJoin = one lib.path.subpath.join [ [ ] [ "a" "./b/c" ] [ "a" "/b" ] ];
  components = one lib.path.subpath.components [ "a//b" "." "./x/./y" ];
  pathAppend = two (p: s: toString (lib.path.append p s)) [ /a /a/b ] [ "c" "./d/e" "/x" "" ];
  pathHasPrefix = two lib.path.hasPrefix [ /a /a/b /. ] [ /a /a/b /a/bc /. ];
  pathRemovePrefix = two lib.path.removePrefix [ /a /. ] [ /a /a/b /c ];
  splitRoot = one (p: (lib.path.splitRoot p).subpath) [ /. /a/b ];
  listFilesRecursive = one (p: map (f: lib.removePrefix (toString p) (toString f)) (lib.filesystem.listFilesRecursive p)) [ ./builds/builders/npm/monorepo ];
  filesets =
    let fs = lib.fileset; root = ./builds/builders/npm; list = set: map (f: lib.removePrefix (toString root) (toString f)) (fs.toList set); in
    one list [
      root (root + "/bundle/package.json") (fs.union (root + "/bundle") (root + "/monorepo/package.json")) (fs.unions [ ]) (fs.difference root (root + "/bundle"))
      (fs.fileFilter (f: f.hasExt "js") root) (fs.intersection (fs.fileFilter (f: f.name == "package.json") root) (root + "/monorepo/parts"))
      (fs.difference root (fs.fileFilter (f: f.hasExt "json") root)) (fs.maybeMissing (root + "/none")) (fs.unions [ (root + "/monorepo/parts/greet") (fs.maybeMissing (root + "/x")) (root + "/bundle") ])
    ];
  toSource =
    let fs = lib.fileset; root = ./builds/builders/npm; files = set: map (f: lib.last (lib.splitString "-source" (toString f))) (lib.filesystem.listFilesRecursive (builtins.path { path = (fs.toSource { inherit root; fileset = set; }).outPath; name = "again-source"; })); in
    one (set: baseNameOf (fs.toSource { inherit root; fileset = set; }).outPath) [ (root + "/bundle/package.json") (fs.fileFilter (f: f.hasExt "js") root) (fs.unions [ ]) root ];
  cleanSource = one (s: baseNameOf s.outPath) [ (lib.cleanSource ./builds/builders/npm) (lib.sourceByRegex ./builds/builders/npm [ "bundle" "bundle/.*\\.json" ]) (lib.sourceFilesBySuffices ./builds/builders/npm [ ".js" ]) (lib.cleanSourceWith { src = lib.cleanSource ./builds/builders/npm; name = "named"; filter = p: t: t == "directory"; }) ];
  licenses = one (name: lib.licenses.${name}.spdxId) [ "mit" "asl20" "gpl3Plus" "bsd3" "mpl20" "isc" ];
  getLicenseFromSpdxId = one (id: (lib.getLicenseFromSpdxId id).spdxId) [ "MIT" "apache-2.0" ];
}
