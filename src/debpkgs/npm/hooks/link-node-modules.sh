# In a development shell: the project's node_modules become links to those of $npmDeps (importNpmLock.buildNodeModules); workspaces stay
# the project's own folders. A node_modules that npm made is left alone.
linkNodeModulesHook() {
  local _entry _name
  if [[ ! -d ${npmDeps-}/node_modules ]]; then
    nixErrorLog "linkNodeModulesHook: 'npmDeps' is not set to what importNpmLock.buildNodeModules makes"
    return 1
  fi
  if [[ -e node_modules && ! -L node_modules && ! -e node_modules/.nix-node-modules ]]; then
    nixWarnLog 'linkNodeModulesHook: node_modules is there already and was left as it is; remove it to use those of the store'
    return 0
  fi
  rm -rf node_modules
  mkdir node_modules
  echo "$npmDeps" > node_modules/.nix-node-modules
  for _entry in "$npmDeps"/node_modules/* "$npmDeps"/node_modules/@*/* "$npmDeps"/node_modules/.bin; do
    _name=${_entry#"$npmDeps"/node_modules/}
    if [[ $_name == @* && $_name != */* ]]; then
      mkdir -p "node_modules/$_name"
    elif [[ -L $_entry && ! -e $_entry ]]; then
      ln -s "$(readlink "$_entry")" "node_modules/$_name"
    elif [[ -e $_entry ]]; then
      ln -s "$_entry" "node_modules/$_name"
    fi
  done
}

if [[ -z ${dontLinkNodeModules-} ]]; then
  if [[ -n ${IN_NIX_SHELL-} ]]; then shellHook="linkNodeModulesHook"$'\n'${shellHook-}; else postPatchHooks+=(linkNodeModulesHook); fi
fi
