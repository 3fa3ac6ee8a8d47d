# makeWrapper PROGRAM WRAPPER OPTION... writes a script that sets the environment and starts the program; wrapProgram PROGRAM OPTION... puts
# it in the program's place. Options as in nixpkgs' manual: --argv0, --inherit-argv0, --resolve-argv0, --set, --set-default, --unset,
# --chdir, --run, --add-flag, --add-flags, --append-flag, --append-flags, --prefix, --suffix, --prefix-each, --suffix-each,
# --prefix-contents, --suffix-contents.

assertExecutable() {
  if [[ ! -f $1 || ! -x $1 ]]; then
    nixErrorLog "makeWrapper: '$1' is no program: it does not exist or is not executable"
    exit 1
  fi
}

# front|back VARIABLE SEPARATOR VALUE: shell lines that put the value there; one that is there already moves.
_wrapperList() {
  printf '_separator=%q\n_value=%q\n' "$3" "$4"
  printf '%s=${%s:+$_separator${%s}$_separator}\n' "$2" "$2" "$2"
  printf '%s=${%s//"$_separator$_value$_separator"/"$_separator"}\n' "$2" "$2"
  printf '%s=${%s#"$_separator"}\n%s=${%s%%"$_separator"}\n' "$2" "$2" "$2" "$2"
  if [[ $1 == front ]]; then printf 'export %s="$_value${%s:+$_separator$%s}"\n' "$2" "$2" "$2"
  else printf 'export %s="${%s:+$%s$_separator}$_value"\n' "$2" "$2" "$2"; fi
}

makeShellWrapper() {
  local original=$1 wrapper=$2 lines='' argv0='' before='' after='' resolve='' option each file
  shift 2
  assertExecutable "$original"
  while (( $# > 0 )); do
    option=$1
    case $option in
      --set) printf -v each 'export %s=%q\n' "$2" "$3"; lines+=$each; shift 3 ;;
      --set-default) printf -v each 'export %s=${%s-%q}\n' "$2" "$2" "$3"; lines+=$each; shift 3 ;;
      --unset) lines+="unset $2"$'\n'; shift 2 ;;
      --chdir) printf -v each 'cd %q\n' "$2"; lines+=$each; shift 2 ;;
      --run) lines+="$2"$'\n'; shift 2 ;;
      --prefix) lines+=$(_wrapperList front "$2" "$3" "$4")$'\n'; shift 4 ;;
      --suffix) lines+=$(_wrapperList back "$2" "$3" "$4")$'\n'; shift 4 ;;
      --prefix-each) for each in $4; do lines+=$(_wrapperList front "$2" "$3" "$each")$'\n'; done; shift 4 ;;
      --suffix-each) for each in $4; do lines+=$(_wrapperList back "$2" "$3" "$each")$'\n'; done; shift 4 ;;
      --prefix-contents | --suffix-contents)
        for file in $4; do
          if [[ $option == --prefix-contents ]]; then lines+=$(_wrapperList front "$2" "$3" "$(< "$file")")$'\n'
          else lines+=$(_wrapperList back "$2" "$3" "$(< "$file")")$'\n'; fi
        done
        shift 4
        ;;
      --add-flags) before+=" $2"; shift 2 ;;
      --add-flag) printf -v each ' %q' "$2"; before+=$each; shift 2 ;;
      --append-flags) after+=" $2"; shift 2 ;;
      --append-flag) printf -v each ' %q' "$2"; after+=$each; shift 2 ;;
      --argv0) argv0=$2; shift 2 ;;
      --inherit-argv0) argv0=$'\n'; shift ;;
      --resolve-argv0) resolve=1; shift ;;
      *) nixErrorLog "makeWrapper: unknown option '$option'"; exit 1 ;;
    esac
  done
  mkdir -p "$(dirname "$wrapper")"
  {
    printf '#!%s -e\n' "$SHELL"
    printf '%s' "$lines"
    if [[ -n $resolve ]]; then printf '%s\n' 'if [[ $0 != */* ]]; then set -- "$@"; _self=$(type -P "$0" || echo "$0"); else _self=$0; fi'; argv0='"$_self"'; fi
    case $argv0 in
      '') printf 'exec %q' "$original" ;;
      $'\n') printf 'exec -a "$0" %q' "$original" ;;
      '"$_self"') printf 'exec -a "$_self" %q' "$original" ;;
      *) printf 'exec -a %q %q' "$argv0" "$original" ;;
    esac
    printf '%s "$@"%s\n' "$before" "$after"
  } > "$wrapper"
  chmod +x "$wrapper"
}
makeWrapper() { makeShellWrapper "$@"; }

wrapProgramShell() {
  local program=$1 hidden
  assertExecutable "$program"
  hidden=$(dirname "$program")/.$(basename "$program")-wrapped
  while [[ -e $hidden ]]; do hidden=${hidden}_; done
  mv "$program" "$hidden"
  shift
  makeShellWrapper "$hidden" "$program" --inherit-argv0 "$@"
}
wrapProgram() { wrapProgramShell "$@"; }
