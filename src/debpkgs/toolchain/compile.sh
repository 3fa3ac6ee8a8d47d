#!@dash@/bin/dash
# Starts @program@ on the set's C library. The user's arguments come first, so that their search folders win.
links=1
for argument in "$@"; do
  case $argument in
    -c | -S | -E | -M | -MM | -fsyntax-only) links= ;;
  esac
done
[ $# -gt 0 ] || exec @program@

set -- -B@out@/bin/ --sysroot=@sysroot@ $NIX_CFLAGS_COMPILE_BEFORE "$@" $NIX_CFLAGS_COMPILE
case ${0##*/} in
  g++ | c++ | *-g++) set -- "$@" $NIX_CXXFLAGS_COMPILE ;;
esac
if [ -n "$links" ]; then
  set -- "$@" $NIX_CFLAGS_LINK
fi
[ "${NIX_DEBUG:-0}" -lt 1 ] || printf 'compiler:\n' >&2
[ "${NIX_DEBUG:-0}" -lt 1 ] || printf '  %s\n' @program@ "$@" >&2
exec @program@ "$@"
