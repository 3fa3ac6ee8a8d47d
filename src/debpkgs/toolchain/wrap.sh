# Builds the wrapper's folder: compile.sh under the names of the compilers, link.sh under those of the linkers, links for the rest.
mkdir -p "$out/bin" "$out/nix-support"

# $1 template, $2 name in bin, $3 the program it starts
wrap() {
  sed -e "s|@dash@|$dash|g" -e "s|@out@|$out|g" -e "s|@program@|$3|g" -e "s|@sysroot@|$sysroot|g" -e "s|@libc@|$libc|g" \
    -e "s|@gcc@|$gcc|g" -e "s|@coreutils@|$coreutils|g" -e "s|@store@|$store|g" "$1" > "$out/bin/$2"
  chmod +x "$out/bin/$2"
}

for program in "$binutils"/bin/x86_64-linux-gnu-*; do
  name=${program##*/x86_64-linux-gnu-}
  case $name in
    ld | ld.bfd | ld.gold) wrap "$link" "$name" "$program" ;;
    *) ln -s "$program" "$out/bin/$name" ;;
  esac
done
for program in "$gcc"/bin/x86_64-linux-gnu-*-12; do
  name=${program##*/x86_64-linux-gnu-}
  name=${name%-12}
  case $name in
    gcc | g++ | cpp) wrap "$compile" "$name" "$program" ;;
    *) ln -s "$program" "$out/bin/$name" ;;
  esac
done
ln -s gcc "$out/bin/cc"
ln -s g++ "$out/bin/c++"
for name in gcc g++ cpp ld; do ln -s "$name" "$out/bin/x86_64-linux-gnu-$name"; done

sed "s|@out@|$out|g" "$hook" > "$out/nix-support/setup-hook"
true
