# The index of a Debian release, read lazily: `entry name` opens the first shard or the one shard that holds the name. What the words of
# a line mean stands at `printEntry` in src/engine/debpkgs-refresh.ts, which writes index/.
let
  inherit (builtins) elemAt filter fromJSON genList isString length pathExists readFile replaceStrings split substring;

  release = fromJSON (readFile ./index/release.json);
  core = fromJSON (readFile ./index/core.json);

  # "lib" and one letter, or the first letter: the folders of Debian's pool.
  shardOf = name: if substring 0 3 name == "lib" && name != "lib" then substring 0 4 name else substring 0 1 name;

  # One attribute a shard, so that each file is parsed at most once.
  shards = builtins.mapAttrs (file: _: fromJSON (readFile (./index + "/${file}"))) (builtins.readDir ./index);

  lineOf = name:
    core.${name} or (shards."${shardOf name}.json" or { }).${name}
      or (throw "debpkgs: Debian ${release.version} (${release.release}) has no package '${name}'");

  words = line: filter isString (split " " line);

  parse = name:
    let
      w = words (lineOf name);
      traits = elemAt w 3;
      own = elemAt w 4 == "-";
      program = elemAt w 5;
      cycle = elemAt w 6;
      version = elemAt w 0;
      source = if own then name else elemAt w 4;
      architecture = if substring 0 1 traits == "a" then "all" else "amd64";
    in
    {
      inherit name version source;
      size = fromJSON (elemAt w 1);
      # Base 64 of 32 bytes: the padding is always one sign.
      hash = "sha256-${elemAt w 2}=";
      path = "pool/main/${shardOf source}/${source}/${name}_${version}_${architecture}.deb";
      has =
        let letter = l: builtins.match ".*${l}.*" traits != null; in
        { libraries = letter "L"; development = letter "D"; python = letter "Y"; perl = letter "E"; files = letter "F"; };
      hasPrograms = program != "-";
      mainProgram = if program == "-" || program == "*" then null else program;
      cycle = if cycle == "-" then [ ] else filter isString (split "," cycle);
      dependencies = genList (i: elemAt w (i + 7)) (length w - 7);
    };

  # A function of a package, each value computed once; only the shards that are asked for are opened.
  memo = f:
    let
      inCore = builtins.mapAttrs (name: _: f name) core;
      inShards = builtins.mapAttrs (_: builtins.mapAttrs (name: _: f name)) shards;
    in
    name: inCore.${name} or ((inShards."${shardOf name}.json" or { }).${name} or (parse name));
in
{
  inherit release memo;
  /* What the index says of one package; an error that names it where there is none. */
  entry = memo parse;
  /* All names, sorted. */
  names = fromJSON (readFile ./index/names.json);
  isPackage = name: core ? ${name} || (shards."${shardOf name}.json" or { }) ? ${name};
}
