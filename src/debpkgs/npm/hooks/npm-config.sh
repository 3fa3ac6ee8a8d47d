# Behind patchPhase: $npmDeps (importNpmLock) becomes node_modules. npm itself lays it out, from files of the store and without a network;
# then the packages' install scripts run. Variables: npmRoot, npmInstallFlags, npmRebuildFlags, npmFlags,
# npmWorkspace, dontNpmConfig, dontAutoPatchelf.

# What every call of npm in a build needs: a home of its own, no network, no messages about other things.
_npmSettings() {
  export HOME=$TMPDIR
  export npm_config_offline=true npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm_config_progress=false
  export npm_config_cache=$TMPDIR/npm-cache
}

# Compiled programs among the packages ask for the machine's loader and libraries; these are those of the store.
_patchPrograms() {
  local _file
  while IFS= read -r -d '' _file; do
    if isELF "$_file" && patchelf --print-interpreter "$_file" > /dev/null 2>&1; then
      patchelf --set-interpreter @loader@ --add-rpath @libraries@ "$_file"
    fi
  done < <(find node_modules -type f -perm -0100 -size +8k -print0)
}

npmConfigHook() {
  echo 'Executing npmConfigHook'
  if [[ -n ${npmRoot-} ]]; then pushd "$npmRoot" > /dev/null; fi
  if [[ ! -f ${npmDeps-}/package-lock.json ]]; then
    nixErrorLog "npmConfigHook: 'npmDeps' is not set to what importNpmLock makes"
    exit 1
  fi
  _npmSettings
  local _installFlags=() _rebuildFlags=()
  concatTo _installFlags npmInstallFlags npmInstallFlagsArray npmFlags npmFlagsArray
  concatTo _rebuildFlags npmRebuildFlags npmRebuildFlagsArray npmFlags npmFlagsArray

  local _saved
  _saved=$(mktemp -d)
  cp package.json "$_saved/"
  if [[ -f package-lock.json ]]; then cp package-lock.json "$_saved/"; fi
  cp --no-preserve=mode "$npmDeps/package.json" "$npmDeps/package-lock.json" .
  if ! npm ci --ignore-scripts "${_installFlags[@]}"; then
    nixErrorLog "npmConfigHook: npm could not install the packages of the lock file; does it agree with package.json ('npm install' brings them together)?"
    exit 1
  fi
  patchShebangs node_modules
  if [[ -z ${dontAutoPatchelf-} ]]; then _patchPrograms; fi
  # where addons that are compiled find headers: beside node
  npm_config_nodedir=$(dirname "$(dirname "$(readlink -f "$(type -P node)")")") npm rebuild "${_rebuildFlags[@]}"
  patchShebangs node_modules
  cp --no-preserve=mode "$_saved"/* .
  if [[ ! -f $_saved/package-lock.json ]]; then rm package-lock.json; fi
  if [[ -n ${npmRoot-} ]]; then popd > /dev/null; fi
}

if [[ -z ${dontNpmConfig-} ]]; then postPatchHooks+=(npmConfigHook); fi
