# The set's library: the functions of nixpkgs' lib that flakes and packages use, under the same names. One file a kind.
let
  # Files whose functions stand at the top of lib too.
  open = {
    trivial = ./trivial.nix;
    lists = ./lists.nix;
    attrsets = ./attrsets.nix;
    strings = ./strings.nix;
    fixedPoints = ./fixed-points.nix;
    customisation = ./customisation.nix;
    derivations = ./derivations.nix;
    debug = ./debug.nix;
    filesystem = ./filesystem.nix;
    meta = ./meta.nix;
    modules = ./modules.nix;
    options = ./options.nix;
    platforms' = ./platforms.nix;
    licences = ./licenses.nix;
  };
  files = builtins.mapAttrs (_: file: import file { inherit lib; }) open;
  # importJSON of modules is another one
  top = builtins.foldl' (all: name: all // (if name == "modules" then removeAttrs files.modules [ "importJSON" "importTOML" "importApply" "defaultPriority" "collectModules" ] else files.${name})) { } (builtins.attrNames open);
  typeFile = import ./types.nix { inherit lib; };
  lib = top // {
    inherit (files) trivial lists attrsets fixedPoints customisation derivations debug modules options meta;
    strings = files.strings;
    filesystem = { inherit (files.filesystem) pathType pathIsDirectory pathIsRegularFile listFilesRecursive locateDominatingFile packagesFromDirectoryRecursive resolveDefaultNix; };
    sources = { inherit (files.filesystem) cleanSource cleanSourceFilter cleanSourceWith sourceByRegex sourceFilesBySuffices canCleanSource commitIdFromGitRepo pathIsGitRepo revOrTag urlToName pathIsDirectory pathIsRegularFile pathType; };
    asserts = { inherit (lib) assertMsg assertOneOf assertEachOneOf; };
    inherit (typeFile) types mkOptionType isType setType isOptionType defaultTypeMerge defaultFunctor;
    generators = import ./generators.nix { inherit lib; };
    cli = { inherit (lib.generators) toGNUCommandLine toGNUCommandLineShell; };
    inherit (lib.generators) mkLuaInline;
    path = import ./path.nix { inherit lib; };
    fileset = import ./fileset.nix { inherit lib; };
    inherit (lib.strings) versions;
  };
in
lib
