# Unpacks patchelf, tcc (a C compiler of 0.4 MB, for relocate.c and redirect.c) and the libraries they load into one folder, as they are.
# Runs in busybox's shell.
set -o pipefail
for deb in $debs; do
  ar p "$deb" data.tar.xz | xzcat | tar -x -o -f -
done
mkdir -p "$out"
cp usr/bin/patchelf usr/bin/tcc "$out/"
cp -r usr/lib/x86_64-linux-gnu/tcc "$out/lib"
for folder in lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu; do
  for library in ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 libstdc++.so.6 libgcc_s.so.1; do
    if [ -e "$folder/$library" ]; then cp -L "$folder/$library" "$out/"; fi
  done
done
# what tcc -run looks for
ln -s libc.so.6 "$out/libc.so"
