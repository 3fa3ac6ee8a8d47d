# Phases for Python projects: a wheel is built by the project's own build system and installed; programs find the modules they need.
# Variables: pythonPath, pythonImports, pypaBuildFlags, makeWrapperArgs, dontUsePyproject, dontWrapPythonPrograms.

# Debian's Python installs to lib/python3/dist-packages where this says so, the folder that all modules of the set lie in.
export DEB_PYTHON_INSTALL_LAYOUT=deb_system

pyprojectBuildPhase() {
  runHook preBuild
  local _flags=()
  concatTo _flags pypaBuildFlags
  # a wheel's times cannot lie before 1980
  if (( SOURCE_DATE_EPOCH < 315532800 )); then export SOURCE_DATE_EPOCH=315532800; fi
  python3 -m build --no-isolation --skip-dependency-check --outdir dist/ --wheel "${_flags[@]}" .
  runHook postBuild
}
pyprojectInstallPhase() {
  runHook preInstall
  python3 -m installer --prefix "$out" dist/*.whl
  runHook postInstall
}
if [[ -z ${dontUsePyproject-} ]]; then
  if [[ -z ${buildPhase-} ]]; then buildPhase=pyprojectBuildPhase; fi
  if [[ -z ${installPhase-} ]]; then installPhase=pyprojectInstallPhase; fi
  dontConfigure=1
fi

pythonCheckPhase() {
  runHook preCheck
  export PYTHONPATH=$out/lib/python3/dist-packages${PYTHONPATH:+:$PYTHONPATH}
  local _module
  for _module in ${pythonImports-}; do
    (cd "$TMPDIR" && python3 -c "import $_module")
  done
  if python3 -c 'import pytest' 2> /dev/null; then python3 -m pytest "${pytestFlags[@]}"; fi
  runHook postCheck
}

_wrapPythonPrograms() {
  [[ -z ${dontWrapPythonPrograms-} && -d $prefix/bin ]] || return 0
  local _program _wrapper=()
  concatTo _wrapper makeWrapperArgs
  for _program in "$prefix"/bin/*; do
    if [[ -f $_program && -x $_program ]] && IFS= read -r _line < "$_program" && [[ $_line == '#!'*python* ]]; then
      wrapProgram "$_program" --prefix PYTHONPATH : "$prefix/lib/python3/dist-packages${pythonPath:+:$pythonPath}" "${_wrapper[@]}"
    fi
  done
}
fixupOutputHooks+=(_wrapPythonPrograms)
