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
  trim = text: let m = builtins.match "[ \t\r\n]*(.*[^ \t\r\n])[ \t\r\n]*" text; in if m == null then "" else builtins.head m;
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
    concatStringsSep ":" (builtins.concatMap (package: [ "${lib.getLib package}/lib" ] ++ lib.optional (package ? debian) "${package}/lib/x86_64-linux-gnu") (filter (package: package != null) packages));
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
  fixedWidthString = width: filler: text: if stringLength text >= width then text else fixedWidthString width filler (filler + text);
  fixedWidthNumber = width: n: fixedWidthString width "0" (builtins.toString n);
  toInt = text:
    let m = builtins.match "[ \t]*(-?(0|[1-9][0-9]*))[ \t]*" text; in
    if m == null then throw "lib.toInt: '${text}' is no whole number" else builtins.fromJSON (builtins.head m);
  sanitizeDerivationName = text:
    let plain = concatMapStrings (part: if builtins.isList part then "-" else part) (builtins.split "[^[:alnum:]+._?=-]+" (builtins.unsafeDiscardStringContext text)); in
    substring 0 207 (if hasPrefix "." plain then "_" + substring 1 (-1) plain else plain);
  generators = {
    toJSON = { }: builtins.toJSON;
    toKeyValue = { mkKeyValue ? (key: value: "${key}=${builtins.toString value}"), listsAsDuplicateKeys ? false, indent ? "" }: set:
      concatLines (map (line: indent + line) (lib.mapAttrsToList mkKeyValue set));
  };
}
