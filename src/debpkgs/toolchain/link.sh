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
  for name in $names; do
    case $name in
      :*) shared=${name#:} static= ;;
      *) shared=lib$name.so static=lib$name.a ;;
    esac
    for folder in $folders; do
      if [ -e "$folder/$shared" ]; then
        # a linker script of the sysroot or of gcc names what lies in the C library's own folder
        case $folder in
          @sysroot@/*) ;;
          @store@/*) files=$files$folder/$shared$newline ;;
        esac
        break
      elif [ -n "$static" ] && [ -e "$folder/$static" ]; then
        break
      fi
    done
  done
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
