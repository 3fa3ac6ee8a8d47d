# The hooks that every build runs in fixupPhase, the choice of outputs, and helpers for install phases. Appended to setup.sh.

# --- several outputs -------------------------------------------------------------------------------------------------------------
# What goes where: each variable names an output, the first that the derivation has.
_firstOutput() {
  local _name=$1 _candidate
  shift
  if [[ -n ${!_name-} ]]; then return 0; fi
  for _candidate in "$@"; do
    if [[ $_candidate == *[[:upper:]]* ]]; then _candidate=${!_candidate-}; fi
    case " $(getAllOutputNames) " in *" $_candidate "*) declare -g "$_name=$_candidate"; return 0 ;; esac
  done
  _candidate=$(getAllOutputNames)
  declare -g "$_name=${_candidate%% *}"
}
_firstOutput outputOut out
_firstOutput outputDev dev out
_firstOutput outputBin bin out
_firstOutput outputInclude outputDev
_firstOutput outputLib lib out
_firstOutput outputDoc doc out
_firstOutput outputDevdoc devdoc REMOVE
_firstOutput outputMan man outputBin
_firstOutput outputDevman devman devdoc outputMan
_firstOutput outputInfo info outputBin

declare -a _outputFlags=()
if [[ $(getAllOutputNames) != out && -n ${setOutputFlags-1} ]]; then
  _outputFlags=(
    "--bindir=${!outputBin-}/bin" "--sbindir=${!outputBin-}/sbin" "--includedir=${!outputInclude-}/include" "--mandir=${!outputMan-}/share/man"
    "--infodir=${!outputInfo-}/share/info" "--docdir=${!outputDoc-}/share/doc/${pname:-${name-}}" "--libdir=${!outputLib-}/lib"
    "--libexecdir=${!outputLib-}/libexec" "--localedir=${!outputLib-}/share/locale"
  )
fi

# PATTERN FOLDER: moves what matches in any output to one; "REMOVE" deletes.
moveToOutput() {
  local _pattern=$1 _target=$2 _output _from _path
  for _output in $(getAllOutputNames); do
    _from=${!_output}
    if [[ $_from == "$_target" || ! -d $_from ]]; then continue; fi
    for _path in "$_from"/$_pattern; do
      [[ -e $_path || -L $_path ]] || continue
      if [[ $_target == REMOVE ]]; then
        echo "removing $_path"
        rm -r "$_path"
      else
        echo "moving $_path to ${_target}${_path#"$_from"}"
        mkdir -p "$(dirname "$_target${_path#"$_from"}")"
        if [[ -d $_target${_path#"$_from"} ]]; then
          cp -a "$_path/." "$_target${_path#"$_from"}/"
          rm -r "$_path"
        else
          mv "$_path" "$_target${_path#"$_from"}"
        fi
      fi
      rmdir --ignore-fail-on-non-empty -p "$(dirname "$_path")" 2> /dev/null || true
    done
  done
}

_distributeOutputs() {
  [[ $(getAllOutputNames) == *' '* ]] || return 0
  if [[ -z ${moveToDev-1} ]]; then return 0; fi
  moveToOutput share/info "${!outputInfo}"
  moveToOutput share/doc "${!outputDoc}"
  moveToOutput share/man "${!outputMan}"
  moveToOutput include "${!outputInclude}"
  moveToOutput lib/pkgconfig "${!outputDev}"
  moveToOutput share/pkgconfig "${!outputDev}"
  moveToOutput lib/cmake "${!outputDev}"
  moveToOutput share/aclocal "${!outputDev}"
  # whoever builds against the development output needs the programs and libraries too
  if [[ $outputDev != out ]]; then
    local _output _brought=()
    for _output in "$outputBin" "$outputInclude" "$outputLib"; do
      if [[ $_output != "$outputDev" && " ${_brought[*]-} " != *" ${!_output} "* ]]; then _brought+=("${!_output}"); fi
    done
    if (( ${#_brought[@]} > 0 )); then appendToVar propagatedBuildInputs "${_brought[@]}"; fi
  fi
}
preFixupHooks+=(_distributeOutputs)

# --- the layout of an output -----------------------------------------------------------------------------------------------------

# Documentation belongs under share; sbin is bin; nothing is lib64.
_tidyLayout() {
  local _folder
  if [[ -z ${forceShare-} ]]; then forceShare='man doc info'; fi
  for _folder in $forceShare; do
    if [[ -d $prefix/$_folder ]]; then
      mkdir -p "$prefix/share"
      if [[ -d $prefix/share/$_folder ]]; then
        cp -a "$prefix/$_folder/." "$prefix/share/$_folder/"
        rm -r "${prefix:?}/$_folder"
      else
        mv "$prefix/$_folder" "$prefix/share/"
      fi
    fi
  done
  if [[ -z ${dontMoveSbin-} && -d $prefix/sbin && ! -L $prefix/sbin ]]; then
    mkdir -p "$prefix/bin"
    mv "$prefix"/sbin/* "$prefix/bin/"
    rmdir "$prefix/sbin"
    ln -s bin "$prefix/sbin"
  fi
  if [[ -z ${dontMoveLib64-} && -d $prefix/lib64 && ! -L $prefix/lib64 ]]; then
    mkdir -p "$prefix/lib"
    mv "$prefix"/lib64/* "$prefix/lib/"
    rmdir "$prefix/lib64"
    ln -s lib "$prefix/lib64"
  fi
}
fixupOutputHooks+=(_tidyLayout)

# --- strip -----------------------------------------------------------------------------------------------------------------------

# FLAGS FOLDER...: strips the ELF files and archives below.
_stripFolders() {
  local _flags=$1 _folder _found=()
  shift
  for _folder in "$@"; do if [[ -d $prefix/$_folder ]]; then _found+=("$prefix/$_folder"); fi; done
  (( ${#_found[@]} > 0 )) || return 0
  echo "stripping (with flags $_flags) in ${_found[*]}"
  # what strip cannot read is no object file
  # shellcheck disable=SC2086
  find "${_found[@]}" -type f -print0 | sort -z | xargs -r -0 -n1 "${STRIP:-strip}" $_flags 2> /dev/null || true
}
_strip() {
  if [[ -n ${dontStrip-} ]] || ! command -v "${STRIP:-strip}" > /dev/null; then return 0; fi
  local _debug=() _all=()
  concatTo _debug stripDebugList
  if [[ ! -v stripDebugList ]]; then _debug=(lib lib32 lib64 libexec bin sbin); fi
  concatTo _all stripAllList
  _stripFolders "${stripDebugFlags:--S -p}" "${_debug[@]}"
  if (( ${#_all[@]} > 0 )); then _stripFolders "${stripAllFlags:--s -p}" "${_all[@]}"; fi
}
fixupOutputHooks+=(_strip)

# --- library paths ---------------------------------------------------------------------------------------------------------------

isELF() {
  local _magic
  LC_ALL=C IFS= read -r -n4 -d '' _magic < "$1" 2> /dev/null || true
  [[ $_magic == $'\x7fELF' ]]
}
isScript() {
  local _magic
  LC_ALL=C IFS= read -r -n2 -d '' _magic < "$1" 2> /dev/null || true
  [[ $_magic == '#!' ]]
}

# The library path keeps the folders that hold a library the file asks for.
_shrinkRpaths() {
  if [[ -n ${dontPatchELF-} || ! -d $prefix ]] || ! command -v patchelf > /dev/null; then return 0; fi
  local _file
  while IFS= read -r -d '' _file; do
    if isELF "$_file"; then patchelf --shrink-rpath "$_file" 2> /dev/null || true; fi
  done < <(find "$prefix" -type f \( -perm -0100 -o -name '*.so' -o -name '*.so.*' \) -print0)
}
fixupOutputHooks+=(_shrinkRpaths)

# --- first lines of scripts ------------------------------------------------------------------------------------------------------

# [--build|--host] [--update] PATH...: interpreters become those found on PATH (HOST_PATH with --host).
patchShebangs() {
  local _search=PATH _update= _file _line _words _interpreter _found
  while [[ ${1-} == --* ]]; do
    case $1 in
      --host) _search=HOST_PATH ;;
      --build) _search=PATH ;;
      --update) _update=1 ;;
      --) shift; break ;;
    esac
    shift
  done
  if (( $# == 0 )); then nixErrorLog 'patchShebangs: no path is named'; return 0; fi
  while IFS= read -r -d '' _file; do
    isScript "$_file" || continue
    IFS= read -r _line < "$_file" || [[ -n $_line ]] || continue
    read -r -a _words <<< "${_line#'#!'}"
    (( ${#_words[@]} > 0 )) || continue
    _interpreter=${_words[0]}
    if [[ -z $_update && $_interpreter == "$NIX_STORE"/* ]]; then continue; fi
    if [[ $_interpreter == */bin/env ]]; then
      _words=("${_words[@]:1}")
      if [[ ${_words[0]-} == -S ]]; then _words=("${_words[@]:1}"); fi
      if [[ -z ${_words[0]-} || ${_words[0]} == -* || ${_words[0]} == *=* ]]; then
        nixErrorLog "$_file: the interpreter directive '$_line' is not supported"
        return 1
      fi
      _interpreter=${_words[0]}
    fi
    _found=$(PATH=${!_search} type -P "${_interpreter##*/}") || continue
    if [[ $_found/ == "${_words[0]}/" ]]; then continue; fi
    _words[0]=$_found
    echo "$_file: interpreter directive changed from \"${_line#'#!'}\" to \"${_words[*]}\""
    local _stamp _escaped
    _stamp=$(stat --printf '%y' "$_file")
    _escaped=${_words[*]}
    _escaped=${_escaped//\\/\\\\}
    sed -i -e "1 s|.*|#!${_escaped//|/\\|}|" "$_file"
    touch --date "$_stamp" "$_file"
  done < <(find "$@" -type f -perm -0100 -print0)
}
_patchOutputShebangs() {
  if [[ -n ${dontPatchShebangs-} || ! -d $prefix ]]; then return 0; fi
  # NIX: with strictDeps scripts get the interpreters of buildInputs
  if [[ -n ${strictDeps-} ]]; then patchShebangs --host "$prefix"; else patchShebangs --build "$prefix"; fi
}
fixupOutputHooks+=(_patchOutputShebangs)

_dropUseless() {
  [[ -d $prefix ]] || return 0
  # the index of all info files differs with what else is installed
  rm -f "$prefix/share/info/dir"
  if [[ -z ${dontPruneLibtoolFiles-} ]]; then
    find "$prefix" -type f -name '*.la' -exec grep -q '^# Generated by .*libtool' {} \; -exec sed -i -e "/^dependency_libs='[^']/ c dependency_libs='' #pruned" {} \;
  fi
  if [[ -z ${dontGzipMan-} && -d $prefix/share/man ]]; then
    find "$prefix/share/man" -type f -a '!' -regex '.*\.\(gz\|bz2\|xz\)' -print0 | xargs -0 -r -n1 gzip -n -f
    local _link
    find "$prefix/share/man" -type l -a '!' -name '*.gz' -print0 | sort -z | while IFS= read -r -d '' _link; do
      local _to
      _to=$(readlink "$_link")
      if [[ ! -e $_link && -e $(dirname "$_link")/$_to.gz ]]; then ln -sfn "$_to.gz" "$_link.gz"; rm "$_link"; fi
    done
  fi
}
fixupOutputHooks+=(_dropUseless)

# --- helpers for phases ----------------------------------------------------------------------------------------------------------

# FILE...: programs into the binary output's bin.
installBin() {
  local _file
  for _file in "$@"; do install -Dm755 "$_file" -t "${!outputBin}/bin"; done
}
# FILE...: manual pages, by the section their name ends with.
installManPage() {
  local _file _section
  for _file in "$@"; do
    _section=${_file%.gz}
    _section=${_section##*.}
    install -Dm644 "$_file" -t "${!outputMan}/share/man/man$_section"
  done
}

# BUILD FLAGS of what the phases could not take from anywhere else.
if [[ -z ${IN_NIX_SHELL-} && -n ${NIX_BUILD_TOP-} ]]; then trap _reportFailure EXIT; fi

# Hooks that run when everything is defined.
set +u
runHook addInputsHook
runHook postHook
if [[ $_setupOptions != *e* ]]; then set +e; fi
if [[ $_setupOptions == *u* ]]; then set -u; fi
unset _setupOptions
