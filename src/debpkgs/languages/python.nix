# Python projects as packages, by the build system they name in pyproject.toml: `buildPythonApplication`, `buildPythonPackage`. Arguments
# as in nixpkgs' manual, "Python". Modules of the embedded set are Debian's (python3Packages.requests is python3-requests).
{ lib, debpkgs, stdenv, python3, makeSetupHook, makeWrapper }:
let
  folder = "lib/python3/dist-packages";

  # A module's own folder and those of all it needs.
  foldersOf = module:
    module.pythonFolders or (map (unit: "${unit}/${folder}") (closureOf module));
  closureOf = unit:
    map (node: debpkgs.units node.key) (builtins.genericClosure {
      startSet = [ { key = unit.pname; } ];
      operator = node: map (key: { inherit key; }) (lib.filter (key: (debpkgs.plans key).has "python") (debpkgs.plans node.key).dependencies);
    });

  # A Debian module with programs does not bring its modules along by itself.
  whole = inputs: lib.unique (lib.concatMap (input: if isModule input then closureOf input else [ input ]) inputs);
  isModule = input: input ? debian && (debpkgs.plans input.pname).has "python";

  hook = makeSetupHook { name = "pyproject-hook"; propagatedBuildInputs = [ makeWrapper ]; } ./pyproject.sh;

  buildPythonPackage = lib.extendMkDerivation {
    constructDrv = stdenv.mkDerivation;
    excludeDrvArgNames = [ "build-system" "dependencies" "optional-dependencies" "format" "pyproject" "disabled" "pythonImportsCheck" "nativeCheckInputs" "checkInputs" "namePrefix" "pythonRelaxDeps" "stdenv" ];
    extendDrvArgs = final:
      { pname ? null
      , build-system ? [ ]
      , dependencies ? [ ]
      , optional-dependencies ? { }
      , propagatedBuildInputs ? [ ]
      , nativeBuildInputs ? [ ]
      , nativeCheckInputs ? [ ]
      , checkInputs ? [ ]
      , format ? null
      , pyproject ? null
      , pythonImportsCheck ? [ ]
      , disabled ? false
      , doCheck ? true
      , passthru ? { }
      , ...
      }@args:
      let
        needed = dependencies ++ lib.filter (input: input ? pythonFolders || isModule input) propagatedBuildInputs;
        folders = lib.unique (lib.concatMap foldersOf needed);
        other = pyproject == false && format == null || format == "other";
        modules = map (name: debpkgs.package "python3-${name}");
        # without a word about it, a project is setuptools'
        systems = if build-system != [ ] then build-system else modules [ "setuptools" ];
      in
      if disabled then throw "${pname} is not for Python ${python3.pythonVersion}"
      else {
        nativeBuildInputs = nativeBuildInputs
          ++ [ python3 hook ]
          ++ lib.optionals (!other) (whole (modules [ "build" "installer" "wheel" ] ++ systems))
          ++ lib.optionals doCheck (whole (nativeCheckInputs ++ checkInputs));
        propagatedBuildInputs = propagatedBuildInputs ++ whole dependencies ++ [ python3 ];
        pythonPath = lib.concatStringsSep ":" folders;
        pythonImports = pythonImportsCheck;
        dontUsePyproject = other;
        # checks see the package installed, as its users do
        doCheck = false;
        doInstallCheck = doCheck;
        installCheckPhase = args.checkPhase or args.installCheckPhase or "pythonCheckPhase";
        checkPhase = null;
        strictDeps = args.strictDeps or false;
        passthru = { inherit dependencies optional-dependencies; pythonModule = python3; pythonFolders = [ "${final.finalPackage}/${folder}" ] ++ folders; } // passthru;
      };
  };
in
{
  inherit buildPythonPackage;
  # An application is a package that is not there to be imported.
  buildPythonApplication = buildPythonPackage;
  pythonFolder = folder;
}
