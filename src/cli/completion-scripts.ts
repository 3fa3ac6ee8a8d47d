// What shells run to complete a command line: they give floe the words and the number of the one to be completed (completion.ts), and take
// the first line of the answer for how the others are to be treated.

const BASH = `_complete_NAME() {
  local line kind='' words cword cur
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n ':=&' words cword cur
  else
    words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD cur=\${COMP_WORDS[COMP_CWORD]}
  fi
  COMPREPLY=()
  while IFS= read -r line; do
    line=\${line%%$'\t'*}
    if [[ -z $kind ]]; then
      kind=$line
      case $kind in
        filenames) compopt -o filenames ;;
        attrs) compopt -o nospace ;;
      esac
      continue
    fi
    # bash takes what follows a '=' for a word of its own.
    [[ $cur == *=* ]] && line=\${line#*=}
    COMPREPLY+=("$line")
  done < <(NIX_GET_COMPLETIONS=$cword "\${words[@]}" 2>/dev/null)
  declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$cur"
}
complete -F _complete_NAME NAME
`;

const ZSH = `#compdef NAME
_NAME() {
  local -a answer offered options asked
  asked=("\${(@Q)words}")
  answer=("\${(@f)$(NIX_GET_COMPLETIONS=$((CURRENT - 1)) "\${asked[@]}" 2>/dev/null)}")
  offered=("\${(@)\${(@)answer[2,-1]}%%$'\t'*}")
  case \${answer[1]%%$'\t'*} in
    filenames) options=(-f) ;;
    attrs) options=(-S '') ;;
  esac
  compadd -J NAME "\${options[@]}" -a offered
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then
  _NAME "$@"
else
  compdef _NAME NAME
fi
`;

const FISH = `function __NAME_ask
  # The words before the cursor, then the one at it, which may be empty.
  set -l before (commandline --current-process --tokenize --cut-at-cursor)
  set -l current (commandline --current-token --cut-at-cursor)
  env NIX_GET_COMPLETIONS=(count $before) $before "$current" 2>/dev/null
end

function __NAME_wants_files
  test (__NAME_ask)[1] = filenames
end

function __NAME_offer
  set -l answer (__NAME_ask)
  string collect -- $answer[2..-1]
end

complete --command NAME --condition 'not __NAME_wants_files' --no-files
complete --command NAME --arguments '(__NAME_offer)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, fish: FISH, zsh: ZSH };

/** Shells that there is a script for. */
export const COMPLETION_SHELLS: readonly string[] = Object.keys(SCRIPTS);

/** The script for a shell and a program's name; undefined for another shell. */
export function completionScript(shell: string, program: string): string | undefined {
  return Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell]!.replaceAll('NAME', program) : undefined;
}
