# ninja's phases, for derivations that have it as a native input. Arguments as in nixpkgs' manual, section "ninja": ninjaFlags,
# ninjaFlagsArray, dontUseNinjaBuild, dontUseNinjaCheck, dontUseNinjaInstall, checkTarget, installTargets.

_ninja() {
  local flags=("-j$NIX_BUILD_CORES")
  concatTo flags ninjaFlags ninjaFlagsArray "$@"
  echoCmd 'ninja flags' "${flags[@]}"
  TERM=dumb ninja "${flags[@]}"
}

ninjaBuildPhase() {
  runHook preBuild
  _ninja buildFlags buildFlagsArray
  runHook postBuild
}

ninjaCheckPhase() {
  runHook preCheck
  if [[ -z ${checkTarget-} ]] && ninja -t query test > /dev/null 2>&1; then checkTarget=test; fi
  if [[ -z ${checkTarget-} ]]; then
    echo 'no test target, doing nothing'
  else
    _ninja checkFlags checkFlagsArray checkTarget
  fi
  runHook postCheck
}

ninjaInstallPhase() {
  runHook preInstall
  _ninja installFlags installFlagsArray installTargets=install
  runHook postInstall
}

if [[ -z ${dontUseNinjaBuild-} && -z ${buildPhase-} ]]; then buildPhase=ninjaBuildPhase; fi
if [[ -z ${dontUseNinjaCheck-} && -z ${checkPhase-} ]]; then checkPhase=ninjaCheckPhase; fi
if [[ -z ${dontUseNinjaInstall-} && -z ${installPhase-} ]]; then installPhase=ninjaInstallPhase; fi
