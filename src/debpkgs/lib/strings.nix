# Strings and search paths.
{ lib }:
let
  inherit (builtins) elemAt filter genList isString length replaceStrings stringLength substring;
  lower = "abcdefghijklmnopqrstuvwxyz";
  upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
in
rec {
  inherit (builtins) baseNameOf compareVersions concatStringsSep dirOf isString match parseDrvName replaceStrings split stringLength substring toJSON toString unsafeDiscardStringContext;
  concatStrings = concatStringsSep "";
  concatMapStrings = f: xs: concatStrings (map f xs);
  concatMapStringsSep = separator: f: xs: concatStringsSep separator (map f xs);
  concatImapStringsSep = separator: f: xs: concatStringsSep separator (lib.imap1 f xs);
  concatMapAttrsStringSep = separator: f: set: concatStringsSep separator (lib.mapAttrsToList f set);
  concatLines = concatMapStrings (line: line + "\n");
  optionalString = condition: text: if condition then text else "";
  intersperse = separator: xs: lib.drop 1 (builtins.concatMap (x: [ separator x ]) xs);
  stringToCharacters = text: genList (i: substring i 1 text) (stringLength text);
  stringAsChars = f: text: concatStrings (map f (stringToCharacters text));
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix = suffix: text:
    let n = stringLength text; m = stringLength suffix; in n >= m && substring (n - m) m text == suffix;
  hasInfix = infix: text: length (builtins.split (escapeRegex infix) text) > 1;
  removePrefix = prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
  removeSuffix = suffix: text: if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
  splitString = separator: text: map builtins.unsafeDiscardStringContext (filter isString (builtins.split (escapeRegex separator) text));
  toLower = replaceStrings (stringToCharacters upper) (stringToCharacters lower);
  toUpper = replaceStrings (stringToCharacters lower) (stringToCharacters upper);
  toSentenceCase = text: toUpper (substring 0 1 text) + toLower (substring 1 (-1) text);
  trim = trimWith { start = true; end = true; };
  trimWith = { start ? false, end ? false }: text:
    let
      m = builtins.match "${optionalString start "[ \t\r\n]*"}(.*[^ \t\r\n])${optionalString end "[ \t\r\n]*"}" text;
      all = builtins.match "[ \t\r\n]*" text != null;
      front = builtins.match "[ \t\r\n]*(.*)" text;
    in
    if !start && !end then text
    else if all then ""
    else if !end then builtins.head front
    else builtins.head m;
  escape = characters: replaceStrings characters (map (c: "\\${c}") characters);
  escapeRegex = escape (stringToCharacters "\\[{()^$?*+|.");
  escapeShellArg = argument:
    let text = builtins.toString argument; in
    if builtins.match "[[:alnum:],._+:@%/-]+" text == null then "'${replaceStrings [ "'" ] [ "'\\''" ] text}'" else text;
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  escapeNixString = text: escape [ "$" ] (builtins.toJSON text);
  isValidPosixName = name: builtins.match "[a-zA-Z_][a-zA-Z0-9_]*" name != null;
  toShellVar = name: value:
    if !(isValidPosixName name) then throw "lib.toShellVar: '${name}' is no name of a shell variable"
    else if builtins.isAttrs value && !(lib.isDerivation value) && !(value ? __toString) then
      "declare -A ${name}=(${concatStringsSep " " (lib.mapAttrsToList (key: v: "[${escapeShellArg key}]=${escapeShellArg v}") value)})"
    else if builtins.isList value then "declare -a ${name}=(${escapeShellArgs value})"
    else "${name}=${escapeShellArg value}";
  toShellVars = vars: concatStringsSep "\n" (lib.mapAttrsToList toShellVar vars);
  makeSearchPath = folder: paths: concatStringsSep ":" (map (path: path + "/" + folder) (filter (path: path != null) paths));
  makeSearchPathOutput = output: folder: packages: makeSearchPath folder (map (lib.getOutput output) packages);
  makeBinPath = makeSearchPathOutput "bin" "bin";
  # Debian's libraries lie in the multiarch folder, those built here in lib.
  makeLibraryPath = packages:
    concatStringsSep ":" (builtins.concatMap (package: [ "${lib.getLib package}/lib" ] ++ lib.optional (package ? debian) "${lib.getLib package}/lib/x86_64-linux-gnu") (filter (package: package != null) packages));
  makeIncludePath = makeSearchPathOutput "dev" "include";
  versionOlder = a: b: builtins.compareVersions b a == 1;
  versionAtLeast = a: b: !(versionOlder a b);
  versions = {
    splitVersion = builtins.splitVersion;
    major = version: elemAt (builtins.splitVersion version) 0;
    minor = version: elemAt (builtins.splitVersion version) 1;
    patch = version: elemAt (builtins.splitVersion version) 2;
    majorMinor = version: concatStringsSep "." (lib.take 2 (builtins.splitVersion version));
  };
  getName = x: if isString x then (builtins.parseDrvName x).name else x.pname or (builtins.parseDrvName x.name).name;
  getVersion = x: if isString x then (builtins.parseDrvName x).version else x.version or (builtins.parseDrvName x.name).version;
  nameFromURL = url: separator: builtins.head (splitString separator (baseNameOf url));
  fixedWidthString = width: filler: text:
    let missing = width - stringLength text; in
    if missing < 0 then throw "lib.fixedWidthString: '${text}' is longer than ${builtins.toString width}"
    else if missing == 0 then text
    else fixedWidthString width filler (filler + text);
  fixedWidthNumber = width: n: fixedWidthString width "0" (builtins.toString n);
  toInt = text:
    let
      m = builtins.match "[ \t\n]*(-?[0-9]+)[ \t\n]*" text;
      digits = builtins.head m;
    in
    if m == null then throw "toInt: Could not convert ${escapeNixString text} to int."
    else if builtins.match "-?0[0-9]+" digits != null then throw "lib.toInt: '${text}' could be octal: it begins with zero; toIntBase10 reads it as decimal"
    else builtins.fromJSON digits;
  toIntBase10 = text:
    let m = builtins.match "[ \t\n]*(-?)0*([0-9]+)[ \t\n]*" text; in
    if m == null then throw "lib.toIntBase10: '${text}' is no whole number" else builtins.fromJSON (concatStrings m);
  sanitizeDerivationName = text:
    let plain = concatMapStrings (part: if builtins.isList part then "-" else part) (builtins.split "[^[:alnum:]+._?=-]+" (builtins.unsafeDiscardStringContext text)); in
    if text == "" then "unknown" else substring 0 207 (if hasPrefix "." plain then "_" + substring 1 (-1) plain else plain);
  inherit (builtins) elem elemAt filter fromJSON genList head isAttrs isInt isList isPath storeDir tail typeOf readFile;
  concatImapStrings = f: xs: concatStrings (lib.imap1 f xs);
  join = concatStringsSep;
  replaceString = from: to: replaceStrings [ from ] [ to ];
  replaceChars = replaceStrings;
  replicate = n: text: concatStrings (lib.lists.replicate n text);
  lowerChars = stringToCharacters lower;
  upperChars = stringToCharacters upper;
  addContextFrom = source: text: substring 0 0 source + text;
  fileContents = file: removeSuffix "\n" (builtins.readFile file);
  readPathsFromFile = folder: file: map (line: folder + "/${line}") (filter (line: line != "" && !(hasPrefix "#" line)) (splitString "\n" (fileContents file)));
  isStringLike = value: isString value || builtins.isPath value || value ? outPath || value ? __toString;
  isConvertibleWithToString = value:
    isStringLike value || value == null || builtins.isBool value || builtins.isInt value || builtins.isFloat value || (builtins.isList value && builtins.all isConvertibleWithToString value);
  isCoercibleToString = isConvertibleWithToString;
  isStorePath = value:
    isStringLike value && (
      let text = builtins.toString value; in
      substring 0 1 text == "/" && (builtins.dirOf text == builtins.storeDir || builtins.match "/[0-9a-z]{52}" text != null)
    );
  normalizePath = text:
    # several slashes count as one
    concatStringsSep "/" (filter isString (builtins.split "/+" text));
  commonPrefixLength = a: b:
    let
      most = lib.min (stringLength a) (stringLength b);
      go = i: if i < most && substring i 1 a == substring i 1 b then go (i + 1) else i;
    in
    go 0;
  commonSuffixLength = a: b:
    let
      m = stringLength a; n = stringLength b; most = lib.min m n;
      go = i: if i < most && substring (m - i - 1) 1 a == substring (n - i - 1) 1 b then go (i + 1) else i;
    in
    go 0;
  # How many characters must be put in, taken out or changed.
  levenshtein = a: b:
    let
      n = stringLength b;
      characters = stringToCharacters b;
      row = previous: i:
        let
          c = substring i 1 a;
          step = state: j:
            let here = lib.min (lib.min (state.last + 1) (elemAt previous (j + 1) + 1)) (elemAt previous j + (if elemAt characters j == c then 0 else 1)); in
            builtins.deepSeq here { last = here; cells = state.cells ++ [ here ]; };
        in
        (builtins.foldl' step { last = i + 1; cells = [ (i + 1) ]; } (genList (j: j) n)).cells;
    in
    lib.last (builtins.foldl' row (genList (j: j) (n + 1)) (genList (i: i) (stringLength a)));
  levenshteinAtMost = most: a: b: levenshtein a b <= most;

  # Escaping for several readers.
  escapeNixIdentifier = name:
    if builtins.match "[a-zA-Z_][a-zA-Z0-9_'-]*" name != null && !(builtins.elem name [ "assert" "else" "if" "in" "inherit" "let" "rec" "then" "with" ]) then name
    else escapeNixString name;
  escapeXML = replaceStrings [ "\"" "'" "<" ">" "&" ] [ "&quot;" "&apos;" "&lt;" "&gt;" "&amp;" ];
  escapeURL =
    let
      plain = stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
      toEscape = removeAttrs asciiTable plain;
    in
    replaceStrings (builtins.attrNames toEscape) (map (c: "%${fixedWidthString 2 "0" (lib.toHexString toEscape.${c})}") (builtins.attrNames toEscape));
  escapeC = characters: replaceStrings characters (map (c: "\\x${toLower (lib.toHexString (charToInt c))}") characters);
  charToInt = c: asciiTable.${c} or (throw "lib.strings.charToInt: '${c}' is no character of ASCII");
  asciiTable = lib.listToAttrs (lib.imap0 (i: name: { inherit name; value = i + 32; }) (stringToCharacters " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"))
    // { "\t" = 9; "\n" = 10; "\r" = 13; };
  floatToString = value:
    let text = builtins.toString value; precise = builtins.toJSON value; in
    if builtins.fromJSON text == value then text else lib.warn "lib.strings.floatToString: precision is lost: ${precise} becomes ${text}" text;
  toCamelCase = text:
    let
      parts = splitStringBy (previous: here: builtins.elem here [ "_" "-" " " ] || (builtins.match "[A-Z]" here != null && builtins.match "[a-z]" previous != null)) true text;
      words = map (part: toLower (builtins.replaceStrings [ "_" "-" " " ] [ "" "" "" ] part)) parts;
    in
    builtins.head words + concatMapStrings toSentenceCase (builtins.tail words);
  # Splits where the test holds for a character and the one before it; that character begins the next part, or is dropped.
  splitStringBy = test: keep: text:
    let
      n = stringLength text;
      at = i: substring i 1 text;
      cuts = filter (i: test (if i == 0 then "" else at (i - 1)) (at i)) (genList (i: i) n);
      starts = [ 0 ] ++ (if keep then cuts else map (i: i + 1) cuts);
      ends = cuts ++ [ n ];
    in
    if text == "" then [ "" ] else lib.zipListsWith (from: to: substring from (to - from) text) starts ends;

  # Options of build systems.
  enableFeature = flag: feature: "--${if flag then "enable" else "disable"}-${feature}";
  enableFeatureAs = flag: feature: value: enableFeature flag feature + optionalString flag "=${value}";
  withFeature = flag: feature: "--${if flag then "with" else "without"}-${feature}";
  withFeatureAs = flag: feature: value: withFeature flag feature + optionalString flag "=${value}";
  cmakeOptionType = type: feature: value:
    if !(builtins.elem (toUpper type) [ "BOOL" "FILEPATH" "PATH" "STRING" "INTERNAL" "LIST" ]) then throw "lib.cmakeOptionType: '${type}' is no type of cmake"
    else "-D${feature}:${toUpper type}=${value}";
  cmakeBool = feature: flag: cmakeOptionType "BOOL" feature (toUpper (lib.boolToString flag));
  cmakeFeature = feature: value: cmakeOptionType "STRING" feature value;
  mesonOption = feature: value: "-D${feature}=${value}";
  mesonBool = feature: flag: mesonOption feature (lib.boolToString flag);
  mesonEnable = feature: flag: mesonOption feature (if flag then "enabled" else "disabled");
}
