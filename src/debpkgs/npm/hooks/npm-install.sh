# installPhase: what `npm pack` would publish goes to lib/node_modules, with the packages it needs at run time; its programs to bin.
# Variables: npmPackFlags, npmPruneFlags, npmFlags, npmWorkspace, dontNpmPrune, makeWrapperArgs, dontNpmInstall.
npmInstallHook() {
  runHook preInstall
  local _packFlags=() _pruneFlags=() _workspace=() _wrapper=() _name _target _file _program _folder=.
  concatTo _packFlags npmPackFlags npmPackFlagsArray npmFlags npmFlagsArray
  concatTo _pruneFlags npmPruneFlags npmPruneFlagsArray npmFlags npmFlagsArray
  concatTo _wrapper makeWrapperArgs
  if [[ -n ${npmWorkspace-} ]]; then _workspace=("--workspace=$npmWorkspace") _folder=$npmWorkspace; fi
  _name=$(jq --raw-output .name "$_folder/package.json")
  _target=$out/lib/node_modules/$_name
  mkdir -p "$_target"

  local _packed
  _packed=$(npm pack --json --dry-run --loglevel=error --no-foreground-scripts --ignore-scripts "${_workspace[@]}" "${_packFlags[@]}")
  while IFS= read -r _file; do
    mkdir -p "$_target/$(dirname "$_file")"
    cp "$_folder/$_file" "$_target/$_file"
  done < <(jq --raw-output '(if type == "array" then .[0] else . end).files[].path' <<< "$_packed")

  if [[ -d node_modules ]]; then
    if [[ -z ${dontNpmPrune-} ]]; then npm prune --omit=dev --no-save "${_workspace[@]}" "${_pruneFlags[@]}"; fi
    rm -f node_modules/.package-lock.json
    # a workspace is a link to its folder, which would not be there
    local _link
    while IFS= read -r -d '' _link; do
      case $(readlink -f "$_link") in
        "$PWD"/node_modules/*) ;;
        "$PWD"/*) local _real; _real=$(readlink -f "$_link"); rm "$_link"; if [[ -d $_real && $_real != $(readlink -f "$_folder") ]]; then cp -r "$_real" "$_link"; fi ;;
        *) if [[ ! -e $_link ]]; then rm "$_link"; fi ;;
      esac
    done < <(find node_modules -type l -print0)
    find node_modules -mindepth 1 -maxdepth 1 -type d -empty -delete
    if [[ -n $(ls -A node_modules) ]]; then
      if [[ -d $_target/node_modules ]]; then cp -r node_modules/. "$_target/node_modules/"; else cp -r node_modules "$_target/node_modules"; fi
    fi
  fi

  while IFS=$'\t' read -r _program _file; do
    [[ -e $_target/$_file ]] || continue
    chmod +x "$_target/$_file"
    makeWrapper "$(type -P node)" "$out/bin/$_program" --add-flags "$_target/${_file#./}" "${_wrapper[@]}"
  done < <(jq --raw-output '.name as $name | (.bin // {}) | if type == "string" then { ($name | sub("^@[^/]*/"; "")): . } else . end | to_entries[] | "\(.key)\t\(.value)"' "$_folder/package.json")
  runHook postInstall
}

if [[ -z ${dontNpmInstall-} && -z ${installPhase-} ]]; then installPhase=npmInstallHook; fi
