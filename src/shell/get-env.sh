# Runs as the builder of an environment derivation, in the place of the derivation's own build: sets the stage as the build would find
# it ($stdenv/setup), then writes the shell's variables and functions as JSON to the first output. dev-env.ts makes the derivation
# and reads the JSON; the shape is that of C++ Nix 2.34.8's `nix print-dev-env --json`. Any bash from 4.3 on will do, also one built
# without line editing (no compgen there). The other outputs become empty files: every output must exist.
set -e
if [[ -e ${NIX_ATTRS_SH_FILE-} ]]; then source "$NIX_ATTRS_SH_FILE"; fi

export IN_NIX_SHELL=impure
# Builds only: it would make every configure run slower to set up.
export dontAddDisableDepTrack=1

if [[ -n ${stdenv-} ]]; then source "$stdenv/setup"; fi

# The state to be written, taken before anything below adds to it.
__floe_variables=$(declare -p)
__floe_functions=$(declare -F)

# JSON string of $1. Bytes pass as they are.
__floe_string() {
  local LC_ALL=C __text=$1 __rest __character __code
  __text=${__text//\\/\\\\}
  __text=${__text//\"/\\\"}
  __text=${__text//$'\n'/\\n}
  __text=${__text//$'\r'/\\r}
  __text=${__text//$'\t'/\\t}
  if [[ $__text == *[$'\001'-$'\037']* ]]; then
    __rest=$__text
    __text=
    while [[ -n $__rest ]]; do
      __character=${__rest:0:1}
      __rest=${__rest:1}
      if [[ $__character == [$'\001'-$'\037'] ]]; then
        printf -v __code '%d' "'$__character"
        printf -v __character '\\u%04x' "$__code"
      fi
      __text+=$__character
    done
  fi
  printf '"%s"' "$__text"
}

# Variables that belong to the running bash or to this script.
__floe_skips() {
  case $1 in
    BASH_* | COMP_* | __floe_* | _ | DIRSTACK | EUID | FUNCNAME | GROUPS | HISTCMD | HOSTNAME | PIPESTATUS | PWD | RANDOM | SHLVL | SECONDS | EPOCHREALTIME | EPOCHSECONDS) return 0 ;;
  esac
  return 1
}

# The value of variable $2, which `declare -p` gives the attributes $1.
__floe_value() {
  local -n __floe_ref=$2
  local __key __comma=
  case $1 in
    -x)
      printf '"type": "exported", "value": '
      __floe_string "$__floe_ref"
      ;;
    --)
      printf '"type": "var", "value": '
      __floe_string "$__floe_ref"
      ;;
    -a)
      printf '"type": "array", "value": ['
      for __key in "${!__floe_ref[@]}"; do
        printf '%s' "$__comma"
        __floe_string "${__floe_ref[$__key]}"
        __comma=', '
      done
      printf ']'
      ;;
    -A)
      printf '"type": "associative", "value": {'
      for __key in "${!__floe_ref[@]}"; do
        printf '%s' "$__comma"
        __floe_string "$__key"
        printf ': '
        __floe_string "${__floe_ref[$__key]}"
        __comma=', '
      done
      printf '}'
      ;;
    *) printf '"type": "unknown"' ;;
  esac
}

__floe_write() {
  local __line __name __body __comma=
  local -A __done=()
  printf '{\n  "bashFunctions": {'
  while read -r __line; do
    [[ $__line =~ ^declare\ -f\ (.*) ]] || continue
    __name=${BASH_REMATCH[1]}
    case $__name in __floe_*) continue ;; esac
    __body=$(declare -f "$__name")
    __body=${__body#*\{}
    printf '%s\n    ' "$__comma"
    __floe_string "$__name"
    printf ': '
    __floe_string "${__body%\}*}"
    __comma=,
  done <<<"$__floe_functions"
  printf '\n  },\n  "variables": {'
  __comma=
  while read -r __line; do
    # A line of a value can look like a declaration too: the variable must exist, and counts once.
    [[ $__line =~ ^declare\ (-[^\ ])\ ([A-Za-z_][A-Za-z_0-9]*)(=|$) ]] || continue
    __name=${BASH_REMATCH[2]}
    __line=${BASH_REMATCH[1]}
    if __floe_skips "$__name" || [[ -n ${__done[$__name]-} ]] || ! declare -p "$__name" &>/dev/null; then continue; fi
    __done[$__name]=1
    printf '%s\n    ' "$__comma"
    __floe_string "$__name"
    printf ': {'
    __floe_value "$__line" "$__name"
    printf '}'
    __comma=,
  done <<<"$__floe_variables"
  printf '\n  }'
  if [[ -e ${NIX_ATTRS_SH_FILE-} ]]; then
    printf ',\n  "structuredAttrs": {\n    ".attrs.sh": '
    __floe_string "$(<"$NIX_ATTRS_SH_FILE")"
    printf ',\n    ".attrs.json": '
    __floe_string "$(<"$NIX_ATTRS_JSON_FILE")"
    printf '\n  }'
  fi
  printf '\n}\n'
}

# With structured attributes, outputs is an associative array of paths; otherwise it holds names of variables.
__floe_paths=()
if [[ -e ${NIX_ATTRS_SH_FILE-} ]]; then
  __floe_paths=("${outputs[@]}")
else
  for __floe_name in $outputs; do __floe_paths+=("${!__floe_name}"); done
fi
for __floe_path in "${__floe_paths[@]}"; do
  if [[ $__floe_path == "${__floe_paths[0]}" ]]; then __floe_write >"$__floe_path"; else : >"$__floe_path"; fi
done
