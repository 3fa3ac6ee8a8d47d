# In fixupPhase: programs and libraries that were compiled elsewhere get the store's loader, and the folders of the libraries they ask for,
# found among the inputs and in the package itself. Variables: autoPatchelfIgnoreMissingDeps (words, or "*"), runtimeDependencies,
# dontAutoPatchelf. addAutoPatchelfSearchPath FOLDER... adds folders to look in.

declare -a _patchelfFolders=()
addAutoPatchelfSearchPath() {
  local _folder
  for _folder in "$@"; do _patchelfFolders+=("$_folder"); done
}
_gatherLibraryFolders() {
  local _folder
  for _folder in "$1/lib" "$1/lib/x86_64-linux-gnu" "$1/lib64"; do
    if [[ -d $_folder && ! -L $_folder ]]; then _patchelfFolders+=("$_folder"); fi
  done
}
addEnvHooks "$hostOffset" _gatherLibraryFolders

autoPatchelf() {
  local _file _needed _folder _path _found _missing=0 _own=()
  # libraries of the package itself
  while IFS= read -r -d '' _folder; do _own+=("$_folder"); done < <(find "$@" -name '*.so*' -printf '%h\0' | sort -zu)
  while IFS= read -r -d '' _file; do
    isELF "$_file" || continue
    # what has no dynamic section needs nothing
    _needed=$(patchelf --print-needed "$_file" 2> /dev/null) || continue
    if patchelf --print-interpreter "$_file" > /dev/null 2>&1; then patchelf --set-interpreter @loader@ "$_file"; fi
    _path=
    for _library in $_needed; do
      if [[ -e @libc@/$_library ]]; then _found=@libc@
      else
        _found=
        for _folder in ${_own+"${_own[@]}"} ${_patchelfFolders+"${_patchelfFolders[@]}"}; do
          if [[ -e $_folder/$_library ]]; then _found=$_folder; break; fi
        done
      fi
      if [[ -n $_found ]]; then
        if [[ :$_path: != *:$_found:* ]]; then _path+=${_path:+:}$_found; fi
      elif [[ " ${autoPatchelfIgnoreMissingDeps[*]-} " == *" $_library "* || ${autoPatchelfIgnoreMissingDeps[*]-} == '*' ]]; then
        echo "autoPatchelf: $_file needs $_library, which is nowhere (ignored)"
      else
        nixErrorLog "autoPatchelf: '$_file' needs $_library, which no input has; add the package that has it to buildInputs, or its name to autoPatchelfIgnoreMissingDeps"
        _missing=1
      fi
    done
    for _folder in ${runtimeDependencies[*]-}; do
      for _folder in "$_folder/lib" "$_folder/lib/x86_64-linux-gnu"; do
        if [[ -d $_folder ]]; then _path+=${_path:+:}$_folder; fi
      done
    done
    if [[ -n $_path ]]; then patchelf --force-rpath --set-rpath "$_path" "$_file"; fi
  done < <(find "$@" -type f -print0)
  if (( _missing )); then exit 1; fi
}

_autoPatchelfOutputs() {
  local _output _paths=()
  [[ -z ${dontAutoPatchelf-} ]] || return 0
  for _output in $(getAllOutputNames); do if [[ -e ${!_output} ]]; then _paths+=("${!_output}"); fi; done
  autoPatchelf "${_paths[@]}"
}
# after strip, which would break what patchelf changed, and after paths have been shortened
postFixupHooks+=(_autoPatchelfOutputs)
