# What the compiler adds to a build: its names, and a search folder for each input that has headers or libraries.
export CC=gcc CXX=g++ CPP=cpp LD=ld AR=ar AS=as NM=nm RANLIB=ranlib STRIP=strip OBJCOPY=objcopy OBJDUMP=objdump READELF=readelf SIZE=size STRINGS=strings
export NIX_CC=@out@ NIX_BINTOOLS=@out@

_addCompilerFolders() {
  local folder
  for folder in "$1/include" "$1/include/x86_64-linux-gnu"; do
    if [[ -d $folder ]]; then export NIX_CFLAGS_COMPILE="${NIX_CFLAGS_COMPILE-} -isystem $folder"; fi
  done
  for folder in "$1/lib64" "$1/lib" "$1/lib/x86_64-linux-gnu"; do
    if [[ -d $folder && ! -L $folder ]]; then export NIX_LDFLAGS="${NIX_LDFLAGS-} -L$folder"; fi
  done
}
addEnvHooks "$targetOffset" _addCompilerFolders
