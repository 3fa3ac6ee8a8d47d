# installShellCompletion [--bash|--fish|--zsh] [--cmd NAME] [--name NAME] FILE...: completions where the shells look for them.
installShellCompletion() {
  local kind='' name='' command='' file target
  while (( $# > 0 )); do
    case $1 in
      --bash | --fish | --zsh) kind=${1#--} ;;
      --cmd) command=$2; shift ;;
      --cmd=*) command=${1#--cmd=} ;;
      --name) name=$2; shift ;;
      --name=*) name=${1#--name=} ;;
      --*) nixErrorLog "installShellCompletion: unknown option '$1'"; return 1 ;;
      *)
        file=$1
        if [[ -z $kind ]]; then
          case $file in
            *.bash) kind=bash ;;
            *.fish) kind=fish ;;
            *.zsh) kind=zsh ;;
            *) nixErrorLog "installShellCompletion: the shell of '$file' is unknown; say --bash, --fish or --zsh"; return 1 ;;
          esac
        fi
        # a process substitution has no name of its own
        target=$(basename "$file")
        if [[ -n $command ]]; then target=$command.$kind; fi
        case $kind in
          bash) target=share/bash-completion/completions/${name:-${target%.bash}} ;;
          fish) target=share/fish/vendor_completions.d/${name:-${target%.fish}.fish} ;;
          zsh) target=${target%.zsh}; target=share/zsh/site-functions/${name:-_${target#_}} ;;
        esac
        mkdir -p "${!outputBin}/$(dirname "$target")"
        cat "$file" > "${!outputBin}/$target"
        name=
        if [[ -z $command ]]; then kind=; fi
        ;;
    esac
    shift
  done
}
