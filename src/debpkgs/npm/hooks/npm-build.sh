# buildPhase: the script "build" of package.json. Variables: npmBuildScript, npmBuildFlags, npmFlags, npmWorkspace, dontNpmBuild.
npmBuildHook() {
  runHook preBuild
  local _flags=() _arguments=()
  concatTo _flags npmFlags npmFlagsArray
  concatTo _arguments npmBuildFlags npmBuildFlagsArray
  if [[ -n ${npmWorkspace-} ]]; then _flags+=("--workspace=$npmWorkspace"); fi
  if ! npm run "${npmBuildScript:-build}" "${_flags[@]}" "${_arguments[@]}"; then
    nixErrorLog "npmBuildHook: the script '${npmBuildScript:-build}' of package.json failed or is not there; 'npmBuildScript' names another one, 'dontNpmBuild = true' does without"
    exit 1
  fi
  runHook postBuild
}

if [[ -z ${dontNpmBuild-} && -z ${buildPhase-} ]]; then buildPhase=npmBuildHook; fi
