# The standard environment's setup: sourced by builders and by development shells (`source $stdenv/setup`). It takes the derivation's
# variables, activates its inputs and defines the phases; `genericBuild` runs them. Names and meanings follow nixpkgs' manual, chapter
# "The Standard Environment", so that phases, hooks and setup hooks written for it work here. stdenv/default.nix puts a preamble in front
# (initialPath, shell, defaultNativeBuildInputs) and fixup.sh behind.

_setupOptions=$-
set -eu
set -o pipefail
shopt -s inherit_errexit

: "${NIX_DEBUG:=0}"
: "${NIX_LOG_FD:=2}"
if [[ -e ${NIX_ATTRS_SH_FILE-} ]]; then
  # the attributes are there already: builder.sh, or whoever makes a development shell, read that file
  __structuredAttrs=1
else
  : "${outputs:=out}"
fi

# --- messages --------------------------------------------------------------------------------------------------------------------

_log() { printf '%s\n' "$*" >&"$NIX_LOG_FD"; }
nixErrorLog() { _log "error: $*"; }
nixWarnLog() { _log "warning: $*"; }
nixNoticeLog() { _log "$*"; }
nixInfoLog() { if (( NIX_DEBUG >= 3 )); then _log "$*"; fi; }
nixDebugLog() { if (( NIX_DEBUG >= 6 )); then _log "$*"; fi; }

# One line to the build log's reader (a progress display).
nixLog() { printf '@nix %s\n' "$1" >&"$NIX_LOG_FD"; }

echoCmd() {
  printf '%s:' "$1"
  shift
  printf ' %q' "$@"
  echo
}

# --- lists -----------------------------------------------------------------------------------------------------------------------
# A list is an array under structured attributes, else one string of words.

# NAME: sets _attributes to "a" for an array, "A" for an associative one; to nothing where it has no element.
_attributesOf() {
  local -n _attributesRef=$1
  local _each=("${_attributesRef[@]@a}")
  _attributes=${_each[0]-}
}

# $1 target array, then names of lists; "NAME=default" gives words for a list that is unset or empty.
concatTo() {
  local _target=$1 _name _default _attributes
  local -n _targetRef=$1
  shift
  for _name in "$@"; do
    _default=
    if [[ $_name == *=* ]]; then _default=${_name#*=}; _name=${_name%%=*}; fi
    if [[ ! -v $_name && ! -v $_name[@] ]]; then
      if [[ -n $_default ]]; then _targetRef+=("$_default"); fi
      continue
    fi
    local -n _sourceRef=$_name
    _attributesOf "$_name"
    if [[ $_attributes == *A* ]]; then
      nixErrorLog "concatTo: '$_name' is an associative array, which has no order"
      return 1
    elif [[ $_attributes == *a* ]]; then
      if (( ${#_sourceRef[@]} > 0 )); then _targetRef+=("${_sourceRef[@]}")
      elif [[ -n $_default ]]; then _targetRef+=("$_default"); fi
    elif [[ $_name == *Array ]]; then
      _targetRef+=(${_sourceRef+"${_sourceRef[@]}"})
    else
      local _words=()
      # words, not patterns
      read -r -d '' -a _words <<< "$_sourceRef" || true
      if (( ${#_words[@]} > 0 )); then _targetRef+=("${_words[@]}")
      elif [[ -n $_default ]]; then _targetRef+=("$_default"); fi
    fi
    unset -n _sourceRef
  done
}

# $1 separator, $2 name of a list: its elements as one string.
concatStringsSep() {
  local _elements=() _element _text='' _first=1
  concatTo _elements "$2"
  for _element in "${_elements[@]}"; do
    if [[ -n $_first ]]; then _text=$_element _first=; else _text+=$1$_element; fi
  done
  printf '%s' "$_text"
}

_addToVar() {
  local _where=$1 _name=$2 _attributes _old=
  shift 2
  _attributesOf "$_name"
  if [[ $_attributes == *A* ]]; then
    nixErrorLog "cannot add to '$_name': it is an associative array, which has no order"
    return 1
  elif [[ $_attributes == *a* || -n ${__structuredAttrs-} ]]; then
    if [[ $_attributes != *a* ]]; then
      # a single word so far, or nothing
      _old=${!_name-}
      unset "$_name"
      declare -g -a "$_name=()"
    fi
    local -n _ref=$_name
    if [[ -n $_old ]]; then _ref=("$_old"); fi
    if [[ $_where == front ]]; then _ref=("$@" "${_ref[@]}"); else _ref+=("$@"); fi
  elif [[ $_where == front ]]; then
    declare -g "$_name=$*${!_name:+ }${!_name-}"
  else
    declare -g "$_name=${!_name-}${!_name:+ }$*"
  fi
}
# NAME ELEMENT...: adds to a list of either kind.
prependToVar() { _addToVar front "$@"; }
appendToVar() { _addToVar back "$@"; }

# --- outputs ---------------------------------------------------------------------------------------------------------------------

if [[ -n ${__structuredAttrs-} ]]; then
  for _output in "${!outputs[@]}"; do
    declare -g -x "$_output=${outputs[$_output]}"
  done
  unset _output
  # `env` holds what is to be exported; everything else stays a variable of the shell
  if [[ $(declare -p env 2> /dev/null) == 'declare -A'* ]]; then
    for _output in "${!env[@]}"; do
      declare -g -x "$_output=${env[$_output]}"
    done
    unset _output
  fi
fi

getAllOutputNames() {
  if [[ -n ${__structuredAttrs-} ]]; then echo "${!outputs[*]}"; else echo "$outputs"; fi
}

# --- hooks -----------------------------------------------------------------------------------------------------------------------

# A hook is a function, or shell text in a variable. $1 is its name, or text; the rest its arguments.
_runText() {
  if declare -F "$1" > /dev/null; then
    "$@"
  else
    local _text=$1
    shift
    eval "$_text"
  fi
}

# Runs the function or variable NAME, then all that NAMEs (with "Hook" taken off, "Hooks" put on) lists.
runHook() {
  local _hookName=$1 _entry
  shift
  if declare -F "$_hookName" > /dev/null; then "$_hookName" "$@"
  elif [[ -n ${!_hookName-} ]]; then eval "${!_hookName}"; fi
  local -n _hookList="${_hookName%Hook}Hooks"
  for _entry in ${_hookList+"${_hookList[@]}"}; do _runText "$_entry" "$@"; done
}

# Like runHook, but the first that succeeds is the last.
runOneHook() {
  local _hookName=$1 _entry
  shift
  if declare -F "$_hookName" > /dev/null; then
    if "$_hookName" "$@"; then return 0; fi
  elif [[ -n ${!_hookName-} ]]; then
    if eval "${!_hookName}"; then return 0; fi
  fi
  local -n _hookList="${_hookName%Hook}Hooks"
  for _entry in ${_hookList+"${_hookList[@]}"}; do
    if _runText "$_entry" "$@"; then return 0; fi
  done
  return 1
}

# --- search paths ----------------------------------------------------------------------------------------------------------------

# VARIABLE SEPARATOR FOLDER: appended where the folder exists.
addToSearchPathWithCustomDelimiter() {
  if [[ -d $3 ]]; then export "$2=${!2-}${!2:+$1}$3"; fi
}
addToSearchPath() { addToSearchPathWithCustomDelimiter : "$@"; }

PATH=
HOST_PATH=
for _folder in $initialPath; do
  PATH=$PATH${PATH:+:}$_folder/bin
done
unset _folder
export PATH SHELL=$shell CONFIG_SHELL=$shell
BASH=$shell
unset TZ
export TZ=UTC

# --- inputs ----------------------------------------------------------------------------------------------------------------------
# A dependency runs on one platform and makes things for another; offsets count from this derivation's own host platform: build -1,
# host 0, target 1. Arrays are named after both: _inputs_B_H holds what runs on the build machine and makes things for the host.

declare -a _offsets=(-1 0 1)
_letterOf() { case $1 in -1) _letter=B ;; 0) _letter=H ;; 1) _letter=T ;; esac; }
for _host in B H T; do
  for _target in B H T; do
    declare -a "_inputs_${_host}_${_target}=()" "_hooks_${_host}_${_target}=()"
  done
done
unset _host _target
# The names that nixpkgs' hooks may append to.
declare -a envBuildBuildHooks=() envBuildHostHooks=() envBuildTargetHooks=() envHostHostHooks=() envHostTargetHooks=() envTargetTargetHooks=()
declare -A _inputSeen=()

# OFFSET HOOK...: run the hooks once for each input whose host platform is at the offset.
addEnvHooks() {
  local _at=$1 _hook
  shift
  for _hook in "$@"; do
    case $_at in
      -1) envBuildBuildHooks+=("$_hook"); envBuildHostHooks+=("$_hook"); envBuildTargetHooks+=("$_hook") ;;
      0) envHostHostHooks+=("$_hook"); envHostTargetHooks+=("$_hook") ;;
      1) envTargetTargetHooks+=("$_hook") ;;
    esac
  done
}

# The files in which an input names what it brings along, by the offsets it means.
declare -A _propagationFiles=(
  [-1,-1]=propagated-build-build-deps [-1,0]=propagated-native-build-inputs [-1,1]=propagated-build-target-deps
  [0,0]=propagated-host-host-deps [0,1]=propagated-build-inputs [1,1]=propagated-target-target-deps
)

# INPUT HOST TARGET: remembers an input and, behind it, what it propagates, at the offsets as seen from here.
_collectInput() {
  local _input=$1 _host=$2 _target=$3 _key _theirHost _theirTarget _newHost _newTarget _letter _line _more
  [[ -n $_input ]] || return 0
  [[ -z ${_inputSeen[$_input,$_host,$_target]-} ]] || return 0
  _inputSeen[$_input,$_host,$_target]=1
  if [[ ! -e $_input ]]; then
    nixErrorLog "the build input '$_input' does not exist"
    exit 1
  fi
  _letterOf "$_host"; local _array=_inputs_$_letter
  _letterOf "$_target"; _array=${_array}_$_letter
  local -n _inputArray=$_array
  _inputArray+=("$_input")
  unset -n _inputArray
  [[ -d $_input/nix-support ]] || return 0
  for _key in -1,-1 -1,0 -1,1 0,0 0,1 1,1; do
    [[ -f $_input/nix-support/${_propagationFiles[$_key]} ]] || continue
    _theirHost=${_key%,*} _theirTarget=${_key#*,}
    # their build platform is our host's predecessor, their host ours, their target our target
    _newHost=$(( _theirHost <= 0 ? _theirHost + _host : _theirHost - 1 + _target ))
    _newTarget=$(( _theirTarget <= 0 ? _theirTarget + _host : _theirTarget - 1 + _target ))
    if (( _newHost < -1 || _newHost > 1 || _newTarget < -1 || _newTarget > 1 )); then continue; fi
    read -r -d '' -a _more < "$_input/nix-support/${_propagationFiles[$_key]}" || true
    for _line in ${_more+"${_more[@]}"}; do _collectInput "$_line" "$_newHost" "$_newTarget"; done
  done
}

_collectInputs() {
  local _host=$1 _target=$2 _list=() _input
  shift 2
  concatTo _list "$@"
  for _input in ${_list+"${_list[@]}"}; do _collectInput "$_input" "$_host" "$_target"; done
}
_collectInputs -1 -1 depsBuildBuild depsBuildBuildPropagated
_collectInputs -1 0 nativeBuildInputs propagatedNativeBuildInputs defaultNativeBuildInputs
_collectInputs -1 1 depsBuildTarget depsBuildTargetPropagated
_collectInputs 0 0 depsHostHost depsHostHostPropagated
_collectInputs 0 1 defaultBuildInputs buildInputs propagatedBuildInputs
_collectInputs 1 1 depsTargetTarget depsTargetTargetPropagated

_PATH=
_XDG_DATA_DIRS=
# Puts an input's programs on the path and runs its setup hook, which sees hostOffset and targetOffset.
_activateInput() {
  local _input=$1 hostOffset=$2 targetOffset=$3
  if [[ -f $_input ]]; then
    source "$_input"
    return 0
  fi
  if [[ -z ${strictDeps-} ]] || (( hostOffset <= -1 )); then
    if [[ :$_PATH: != *:$_input/bin:* ]]; then addToSearchPath _PATH "$_input/bin"; fi
  fi
  if (( hostOffset == 0 )) && [[ -d $_input/bin ]]; then addToSearchPath HOST_PATH "$_input/bin"; fi
  if (( hostOffset <= -1 )); then addToSearchPath _XDG_DATA_DIRS "$_input/share"; fi
  if [[ -f $_input/nix-support/setup-hook ]]; then
    local _optionsBefore=$-
    set +u
    source "$_input/nix-support/setup-hook"
    if [[ $_optionsBefore == *u* ]]; then set -u; fi
  fi
}

_eachInput() {
  local _pair _input
  for _pair in 'B B -1 -1' 'B H -1 0' 'B T -1 1' 'H H 0 0' 'H T 0 1' 'T T 1 1'; do
    set -- "$1" $_pair
    local -n _pairInputs=_inputs_$2_$3
    for _input in ${_pairInputs+"${_pairInputs[@]}"}; do "$1" "$_input" "$4" "$5"; done
    unset -n _pairInputs
  done
}

# pkg-config files and aclocal macros of every input; what a language needs comes from its own setup hook.
_addDevelopmentFolders() {
  local _folder
  for _folder in lib share lib/x86_64-linux-gnu; do addToSearchPath PKG_CONFIG_PATH "$1/$_folder/pkgconfig"; done
  addToSearchPath ACLOCAL_PATH "$1/share/aclocal"
}
addEnvHooks -1 _addDevelopmentFolders
addEnvHooks 0 _addDevelopmentFolders

_eachInput _activateInput
PATH=$_PATH${_PATH:+${PATH:+:}}$PATH
export XDG_DATA_DIRS=$_XDG_DATA_DIRS${_XDG_DATA_DIRS:+${XDG_DATA_DIRS:+:}}${XDG_DATA_DIRS-}
if [[ -z $XDG_DATA_DIRS ]]; then unset XDG_DATA_DIRS; fi
unset _PATH _XDG_DATA_DIRS

_runEnvHooks() {
  local _pair _other _input _hook _list
  for _pair in 'BuildBuild B_B' 'BuildHost B_H' 'BuildTarget B_T' 'HostHost H_H' 'HostTarget H_T' 'TargetTarget T_T'; do
    local -n _pairHooks=env${_pair% *}Hooks
    if (( ${#_pairHooks[@]} > 0 )); then
      local -A _visited=()
      # without strictDeps a hook sees every input, whichever list it stands in
      if [[ -n ${strictDeps-} ]]; then _list=("${_pair#* }"); else _list=(B_B B_H B_T H_H H_T T_T); fi
      for _other in "${_list[@]}"; do
        local -n _pairInputs=_inputs_$_other
        for _input in ${_pairInputs+"${_pairInputs[@]}"}; do
          if [[ -f $_input || -n ${_visited[$_input]-} ]]; then continue; fi
          _visited[$_input]=1
          for _hook in "${_pairHooks[@]}"; do
            if [[ -z ${_hookSeen[$_hook,$_input]-} ]]; then
              _hookSeen[$_hook,$_input]=1
              _runText "$_hook" "$_input"
            fi
          done
        done
        unset -n _pairInputs
      done
      unset _visited
    fi
    unset -n _pairHooks
  done
}
declare -A _hookSeen=()
set +u
_runEnvHooks
set -u
unset _hookSeen

# --- the build's own variables ---------------------------------------------------------------------------------------------------

if [[ -z ${prefix-} ]]; then
  case " $(getAllOutputNames) " in *' out '*) prefix=${out-} ;; *) prefix=$(getAllOutputNames); prefix=${prefix%% *}; prefix=${!prefix-} ;; esac
fi
export prefix

: "${NIX_BUILD_CORES:=1}"
if (( NIX_BUILD_CORES <= 0 )); then
  NIX_BUILD_CORES=$(nproc 2> /dev/null || echo 1)
fi
export NIX_BUILD_CORES
: "${TMPDIR:=${NIX_BUILD_TOP:-/tmp}}"
export GZIP_NO_TIMESTAMPS=1
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-315532800}
# names that gcc makes up must not differ from build to build
if [[ -n ${out-} ]]; then
  _seed=${out##*/}
  export NIX_CFLAGS_COMPILE="${NIX_CFLAGS_COMPILE-} -frandom-seed=${_seed:0:10}"
  unset _seed
  if [[ -z ${NIX_DONT_SET_RPATH-} && -z ${NIX_NO_SELF_RPATH-} ]]; then export NIX_LDFLAGS="-rpath $out/lib ${NIX_LDFLAGS-}"; fi
fi
: "${NIX_STORE:=@storeDir@}"
export NIX_STORE
# set by a login; meaningless in a build
if [[ -z ${IN_NIX_SHELL-} ]]; then export HOME=${HOME:-/homeless-shelter}; fi

# --- text replacement ------------------------------------------------------------------------------------------------------------

# VARIABLE FILE: the whole text, line ends at the end included.
consumeEntire() { IFS= read -r -d '' "$1" || [[ -n ${!1} ]] || true; }

# VARIABLE OPTION...: replaces in the variable's value.
substituteStream() {
  local -n _textRef=$1
  local _description=$2 _from _to _mode _name
  shift 2
  while (( $# > 0 )); do
    _mode=$1
    case $_mode in
      --replace | --replace-fail | --replace-warn | --replace-quiet) _from=$2 _to=$3; shift 3 ;;
      --subst-var)
        _name=$2
        shift 2
        if [[ ! $_name =~ ^[a-zA-Z_][a-zA-Z0-9_]*$ ]]; then
          nixErrorLog "substituteStream: '$_name' is no name of a variable"
          return 1
        fi
        if [[ ! -v $_name ]]; then nixErrorLog "substituteStream: the variable '$_name' is not set"; return 1; fi
        _from=@$_name@ _to=${!_name} _mode=--replace-quiet
        ;;
      --subst-var-by) _from=@$2@ _to=$3 _mode=--replace-quiet; shift 3 ;;
      *) nixErrorLog "substituteStream: unknown option '$_mode'"; return 1 ;;
    esac
    if [[ $_mode != --replace-quiet && $_textRef != *"$_from"* ]]; then
      if [[ $_mode == --replace-fail ]]; then
        nixErrorLog "substituteStream: $_description does not contain '$_from'"
        return 1
      fi
      nixWarnLog "substituteStream: $_description does not contain '$_from'"
    fi
    _textRef=${_textRef//"$_from"/"$_to"}
  done
}

# INPUT OUTPUT OPTION...
substitute() {
  local _input=$1 _output=$2 _text
  shift 2
  if [[ ! -f $_input ]]; then nixErrorLog "substitute: the file '$_input' does not exist"; return 1; fi
  consumeEntire _text < "$_input"
  substituteStream _text "file '$_input'" "$@" || return 1
  if [[ -e $_output ]]; then chmod +w "$_output"; fi
  # NIX: the new file keeps the mode of what stood there, not of the input
  printf '%s' "$_text" > "$_output"
}

# FILE... OPTION...
substituteInPlace() {
  local _files=() _file
  while (( $# > 0 )) && [[ $1 != --* ]]; do _files+=("$1"); shift; done
  if (( ${#_files[@]} == 0 )); then nixErrorLog "substituteInPlace: no file is named"; return 1; fi
  for _file in "${_files[@]}"; do substitute "$_file" "$_file" "$@" || return 1; done
}

# Options that replace @name@ for every exported variable that starts with a small letter.
_allSubstitutions() {
  local _name
  _substitutions=()
  while IFS= read -r _name; do
    if [[ $_name =~ ^[a-z][a-zA-Z0-9_]*$ ]]; then _substitutions+=(--subst-var "$_name"); fi
  done < <(compgen -e)
}
substituteAll() {
  local _substitutions
  _allSubstitutions
  substitute "$1" "$2" "${_substitutions[@]}"
}
substituteAllInPlace() { substituteAll "$1" "$1"; }

# --- unpack ----------------------------------------------------------------------------------------------------------------------

# A store path's name without its hash; in $strippedName and on standard output.
stripHash() {
  strippedName=${1##*/}
  if [[ $strippedName =~ ^[a-z0-9]{32}- ]]; then strippedName=${strippedName:33}; fi
  echo "$strippedName"
}

_defaultUnpack() {
  local _file=$1 _destination
  if [[ -d $_file ]]; then
    _destination=$(stripHash "$_file")
    if [[ -e $_destination ]]; then
      nixErrorLog "cannot copy '$_file' to '$_destination': it exists already; set 'srcs' apart or use 'sourceRoot'"
      return 1
    fi
    cp -r --preserve=timestamps --reflink=auto -- "$_file" "$_destination"
    return 0
  fi
  case $_file in
    *.tar | *.tar.* | *.tgz | *.tbz2 | *.tbz | *.txz) tar xf "$_file" --mode=+w --warning=no-timestamp ;;
    *.zip)
      command -v unzip > /dev/null || { nixErrorLog "to unpack '$_file', add unzip to nativeBuildInputs"; return 1; }
      unzip -qq "$_file"
      ;;
    *) return 1 ;;
  esac
}
declare -a unpackCmdHooks
unpackCmdHooks+=(_defaultUnpack)

unpackFile() {
  curSrc=$1
  echo "unpacking source archive $curSrc"
  if ! runOneHook unpackCmd "$curSrc"; then
    nixErrorLog "do not know how to unpack '$curSrc'; set 'unpackCmd' or 'dontUnpack'"
    exit 1
  fi
}

# The newest file of the sources says when they were made.
_setSourceDate() {
  local _newest
  _newest=$(find "$1" -type f -not -newer "$NIX_BUILD_TOP/.." -printf '%T@\n' 2> /dev/null | sort -n | tail -n1) || true
  _newest=${_newest%%.*}
  if [[ -n $_newest ]] && (( _newest > SOURCE_DATE_EPOCH )); then export SOURCE_DATE_EPOCH=$_newest; fi
}

unpackPhase() {
  runHook preUnpack
  local _sources=() _source _before _entry
  if [[ ! -v srcs && ! -v srcs[@] ]]; then
    if [[ -z ${src-} ]]; then
      nixErrorLog "neither 'src' nor 'srcs' is set; set 'dontUnpack = true' where there are no sources"
      exit 1
    fi
    srcs=$src
  fi
  concatTo _sources srcs
  local -A _present=()
  for _entry in *; do _present[$_entry]=1; done
  for _source in "${_sources[@]}"; do unpackFile "$_source"; done

  if [[ -n ${setSourceRoot-} ]]; then
    runOneHook setSourceRoot
  elif [[ -z ${sourceRoot-} ]]; then
    sourceRoot=
    for _entry in *; do
      if [[ ! -d $_entry || -n ${_present[$_entry]-} ]]; then continue; fi
      if [[ -n $sourceRoot ]]; then
        nixErrorLog "the sources unpacked to several folders ('$sourceRoot', '$_entry'); name one as 'sourceRoot'"
        exit 1
      fi
      sourceRoot=$_entry
    done
  fi
  if [[ -z $sourceRoot ]]; then
    nixErrorLog "unpacking gave no folder; set 'sourceRoot = \".\"' where the sources lie loose"
    exit 1
  fi
  echo "source root is $sourceRoot"
  if [[ -z ${dontMakeSourcesWritable-} ]]; then chmod -R u+w -- "$sourceRoot"; fi
  _setSourceDate "$sourceRoot"
  runHook postUnpack
}

patchPhase() {
  runHook prePatch
  local _patches=() _patch _flags=()
  concatTo _patches patches
  concatTo _flags patchFlags=-p1
  for _patch in ${_patches+"${_patches[@]}"}; do
    echo "applying patch $_patch"
    case $_patch in
      *.gz) gzip -d < "$_patch" ;;
      *.bz2) bzip2 -d < "$_patch" ;;
      *.xz | *.lzma) xz -d < "$_patch" ;;
      *) cat "$_patch" ;;
    esac | patch "${_flags[@]}"
  done
  runHook postPatch
}

# --- configure, build, check, install -----------------------------------------------------------------------------------------------

configurePhase() {
  runHook preConfigure
  : "${configureScript=}"
  if [[ -z $configureScript && -x ./configure ]]; then configureScript=./configure; fi
  if [[ -z $configureScript ]]; then
    echo 'no configure script, doing nothing'
  else
    local _flags=()
    if [[ -z ${dontAddPrefix-} && -n $prefix ]]; then _flags+=("${prefixKey:---prefix=}$prefix"); fi
    if [[ -f $configureScript ]]; then
      if [[ -z ${dontAddDisableDepTrack-} ]] && grep -q dependency-tracking "$configureScript"; then _flags+=(--disable-dependency-tracking); fi
      if [[ -z ${dontDisableStatic-} ]] && grep -q enable-static "$configureScript"; then _flags+=(--disable-static); fi
    fi
    concatTo _flags _outputFlags configureFlags configureFlagsArray
    echoCmd 'configure flags' "${_flags[@]}"
    # the script may be several words
    $configureScript "${_flags[@]}"
  fi
  runHook postConfigure
}

_hasMakefile() { [[ -n ${makefile-} || -e Makefile || -e makefile || -e GNUmakefile ]]; }
# KIND FLAGNAME...: make with the flags that all targets share, and the ones named.
_make() {
  local _kind=$1 _flags=()
  shift
  if [[ $_kind == parallel ]]; then _flags+=("-j$NIX_BUILD_CORES"); fi
  _flags+=("SHELL=$SHELL")
  concatTo _flags makeFlags makeFlagsArray "$@"
  echoCmd "make flags" "${_flags[@]}"
  make ${makefile:+-f "$makefile"} "${_flags[@]}"
}

buildPhase() {
  runHook preBuild
  if [[ -z ${makeFlags-} ]] && ! _hasMakefile; then
    echo 'no Makefile or custom buildPhase, doing nothing'
  else
    local _kind=serial
    if [[ -n ${enableParallelBuilding-} ]]; then _kind=parallel; fi
    _make "$_kind" buildFlags buildFlagsArray
  fi
  runHook postBuild
}

checkPhase() {
  runHook preCheck
  if ! _hasMakefile; then
    echo 'no Makefile or custom checkPhase, doing nothing'
  else
    if [[ -z ${checkTarget-} ]]; then
      local _target
      for _target in check test; do
        if make -n ${makefile:+-f "$makefile"} "$_target" > /dev/null 2>&1; then checkTarget=$_target; break; fi
      done
    fi
    if [[ -z ${checkTarget-} ]]; then
      echo 'the Makefile has neither a check nor a test target, doing nothing'
    else
      local _kind=serial
      if [[ -n ${enableParallelChecking-${enableParallelBuilding-}} ]]; then _kind=parallel; fi
      _make "$_kind" checkFlags=VERBOSE=y checkFlagsArray checkTarget
    fi
  fi
  runHook postCheck
}

installPhase() {
  runHook preInstall
  if [[ -z ${makeFlags-} ]] && ! _hasMakefile; then
    echo 'no Makefile or custom installPhase, doing nothing'
  else
    if [[ -n $prefix ]]; then mkdir -p "$prefix"; fi
    local _kind=serial
    if [[ -n ${enableParallelInstalling-${enableParallelBuilding-}} ]]; then _kind=parallel; fi
    _make "$_kind" installFlags installFlagsArray installTargets=install
  fi
  runHook postInstall
}

installCheckPhase() {
  runHook preInstallCheck
  if ! _hasMakefile; then
    echo 'no Makefile or custom installCheckPhase, doing nothing'
  elif [[ -z ${installCheckTarget-} ]] && ! make -n ${makefile:+-f "$makefile"} installcheck > /dev/null 2>&1; then
    echo 'the Makefile has no installcheck target, doing nothing'
  else
    : "${installCheckTarget:=installcheck}"
    _make serial installCheckFlags installCheckFlagsArray installCheckTarget
  fi
  runHook postInstallCheck
}

distPhase() {
  runHook preDist
  _make serial distFlags distFlagsArray distTarget=dist
  if [[ ${dontCopyDist:-0} != 1 ]]; then
    mkdir -p "$out/tarballs"
    # shellcheck disable=SC2086
    cp -pvd ${tarballs:-*.tar.*} "$out/tarballs"
  fi
  runHook postDist
}

# --- fixup -----------------------------------------------------------------------------------------------------------------------

# what setup hooks put there comes first
declare -a preFixupHooks fixupOutputHooks postFixupHooks

fixupPhase() {
  local _output
  for _output in $(getAllOutputNames); do
    if [[ -e ${!_output} ]]; then chmod -R u+w,u-s,g-s "${!_output}"; fi
  done
  runHook preFixup
  for _output in $(getAllOutputNames); do
    local prefix=${!_output}
    runHook fixupOutput
  done
  prefix=${out-}
  _recordPropagated
  _recordSetupHook
  if [[ -n ${propagatedUserEnvPkgs-} ]]; then
    mkdir -p "${!outputBin}/nix-support"
    concatStringsSep ' ' propagatedUserEnvPkgs > "${!outputBin}/nix-support/propagated-user-env-packages"
  fi
  runHook postFixup
}

_recordPropagated() {
  local _pair _list
  for _pair in depsBuildBuildPropagated:-1,-1 propagatedNativeBuildInputs:-1,0 depsBuildTargetPropagated:-1,1 \
    depsHostHostPropagated:0,0 propagatedBuildInputs:0,1 depsTargetTargetPropagated:1,1; do
    _list=()
    concatTo _list "${_pair%%:*}"
    (( ${#_list[@]} > 0 )) || continue
    mkdir -p "${!outputDev}/nix-support"
    echo "${_list[*]}" > "${!outputDev}/nix-support/${_propagationFiles[${_pair#*:}]}"
  done
}

_recordSetupHook() {
  local _hooks=() _hook
  concatTo _hooks setupHook setupHooks
  (( ${#_hooks[@]} > 0 )) || return 0
  mkdir -p "${!outputDev}/nix-support"
  for _hook in "${_hooks[@]}"; do
    local _text
    consumeEntire _text < "$_hook"
    local _substitutions
    _allSubstitutions
    substituteStream _text "file '$_hook'" "${_substitutions[@]}"
    printf '%s' "$_text" >> "${!outputDev}/nix-support/setup-hook"
  done
}

# --- running phases --------------------------------------------------------------------------------------------------------------

definePhases() {
  if [[ -n ${phases-} ]]; then return 0; fi
  phases="${prePhases[*]:-} unpackPhase patchPhase ${preConfigurePhases[*]:-} configurePhase ${preBuildPhases[*]:-} buildPhase checkPhase"
  phases+=" ${preInstallPhases[*]:-} installPhase ${preFixupPhases[*]:-} fixupPhase installCheckPhase ${preDistPhases[*]:-} distPhase ${postPhases[*]:-}"
}

showPhaseHeader() { _log "Running phase: $1"; }

runPhase() {
  local curPhase=$1 _started=$SECONDS
  case $curPhase in
    unpackPhase) [[ -z ${dontUnpack-} ]] || return 0 ;;
    patchPhase) [[ -z ${dontPatch-} ]] || return 0 ;;
    configurePhase) [[ -z ${dontConfigure-} ]] || return 0 ;;
    buildPhase) [[ -z ${dontBuild-} ]] || return 0 ;;
    checkPhase) [[ -n ${doCheck-} ]] || return 0 ;;
    installPhase) [[ -z ${dontInstall-} ]] || return 0 ;;
    fixupPhase) [[ -z ${dontFixup-} ]] || return 0 ;;
    installCheckPhase) [[ -n ${doInstallCheck-} ]] || return 0 ;;
    distPhase) [[ -n ${doDist-} ]] || return 0 ;;
  esac
  showPhaseHeader "$curPhase"
  nixLog "{ \"action\": \"setPhase\", \"phase\": \"$curPhase\" }"
  # phases of packages rarely stand an error for an unset variable
  set +u
  if [[ -n ${!curPhase-} ]]; then eval "${!curPhase}"; else "$curPhase"; fi
  if [[ $curPhase == unpackPhase ]]; then
    if [[ -n ${sourceRoot-} ]]; then chmod +x -- "$sourceRoot"; fi
    cd -- "${sourceRoot:-.}"
  fi
  if (( SECONDS - _started > 30 )); then _log "$curPhase completed in $(( SECONDS - _started )) seconds"; fi
}

genericBuild() {
  local _phase
  if [[ -n ${buildCommandPath-} ]]; then
    source "$buildCommandPath"
    return
  fi
  if [[ -n ${buildCommand-} ]]; then
    eval "$buildCommand"
    return
  fi
  definePhases
  for _phase in ${phases[*]}; do runPhase "$_phase"; done
}

_reportFailure() {
  local _status=$?
  if (( _status != 0 )); then
    if [[ -n ${succeedOnFailure-} ]]; then
      _log "build failed with exit code $_status (ignored)"
      mkdir -p "${out:?}/nix-support"
      echo "$_status" > "$out/nix-support/failed"
      exit 0
    fi
    runHook failureHook || true
  fi
  return "$_status"
}
