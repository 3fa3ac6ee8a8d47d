#!@dash@/bin/dash
# Starts @program@; what is linked against a library of the store looks for it there at run time: the folder of each library
# that is really used goes into DT_RPATH (--disable-new-dtags: it also serves libraries loaded later), behind the user's own.
newline='
'
folders= names= files= dynamic= relocatable= next=

look() {
  for argument in "$@"; do
    case $next in
      folder) folders=$folders$argument$newline next=; continue ;;
      name) names=$names$argument$newline next=; continue ;;
      skip) next=; continue ;;
    esac
    case $argument in
      -L) next=folder ;;
      -L?*) folders=$folders${argument#-L}$newline ;;
      -l) next=name ;;
      -l?*) names=$names${argument#-l}$newline ;;
      -dynamic-linker | --dynamic-linker | -I) dynamic=1 next=skip ;;
      -dynamic-linker=* | --dynamic-linker=*) dynamic=1 ;;
      -shared) dynamic=${dynamic:-shared} ;;
      -r | -i | --relocatable) relocatable=1 ;;
      -o | -rpath | -soname | -h | -T | -m | -z | -plugin | -rpath-link) next=skip ;;
      @store@/*.so | @store@/*.so.*) files=$files$argument$newline ;;
      @*)
        while IFS= read -r line; do
          eval "look $line" 2>/dev/null || true
        done < "${argument#@}"
        ;;
    esac
  done
}
look "$@" $NIX_LDFLAGS

# gcc hands its sysroot on. ld would look below it for what DT_RPATH of a library says, so it goes without; -nostdlib keeps the
# folders it was built with, which are the machine's, out of the search.
count=$#
for argument in "$@"; do
  case $argument in
    --sysroot=@sysroot@) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
shift "$count"
set -- -nostdlib $NIX_LDFLAGS_BEFORE "$@" $NIX_LDFLAGS $NIX_LDFLAGS_AFTER -L@sysroot@/lib/x86_64-linux-gnu
if [ "$dynamic" = 1 ]; then
  set -- "$@" -dynamic-linker @libc@/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
fi

if [ -n "$dynamic" ] && [ -z "$relocatable" ] && [ "${NIX_DONT_SET_RPATH:-}" != 1 ]; then
  set -f
  IFS=$newline
  # NAME: the file that the linker will take for it goes into `files`
  findLibrary() {
    case $1 in
      :*) shared=${1#:} static= ;;
      *) shared=lib$1.so static=lib$1.a ;;
    esac
    for folder in $folders; do
      if [ -e "$folder/$shared" ]; then
        case $folder in
          # a linker script of the sysroot or of gcc names what lies in the C library's own folder
          @sysroot@/*) ;;
          @store@/*)
            files=$files$folder/$shared$newline
            if [ ! -L "$folder/$shared" ]; then readScript "$folder/$shared"; fi
            ;;
        esac
        return 0
      elif [ -n "$static" ] && [ -e "$folder/$static" ]; then
        return 0
      fi
    done
  }
  # FILE: what it names, where it is a linker script and no library
  readScript() {
    case $(@coreutils@/bin/head -c 4 "$1") in *ELF) return 0 ;; esac
    IFS='() '"$newline"
    for word in $(@coreutils@/bin/cat "$1"); do
      IFS=$newline
      case $word in
        -l?*) findLibrary "${word#-l}" ;;
        @store@/*) files=$files$word$newline ;;
      esac
    done
    IFS=$newline
  }
  for name in $names; do findLibrary "$name"; done
  set -- "$@" --disable-new-dtags
  added=:
  if [ -n "$files" ]; then
    # a development package's libNAME.so is a link into the package that is needed at run time
    for file in $(@coreutils@/bin/readlink -f $files); do
      folder=${file%/*}
      case $added in
        *:"$folder":*) continue ;;
      esac
      case $folder in
        @gcc@/lib/gcc/*) continue ;;
      esac
      added=$added$folder:
      set -- "$@" -rpath "$folder"
    done
  fi
  set -- "$@" -rpath @libc@/lib/x86_64-linux-gnu
  unset IFS
  set +f
fi
[ "${NIX_DEBUG:-0}" -lt 1 ] || printf 'linker:\n' >&2
[ "${NIX_DEBUG:-0}" -lt 1 ] || printf '  %s\n' @program@ "$@" >&2
exec @program@ "$@"
