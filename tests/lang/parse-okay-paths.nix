let x = "x"; in [
  /etc /etc/../x/y ./a ../b/./c a/b/c .../d 1/2 -/e +/f ./. ~/x ~/a/../b
  ./${x} ./a${x} ./a/${x} ./a${x}b ./a/${x}/b/${x}c a/${x} /${x} /a/${x}.nix ~/${x}/y ./${x}${x} ./a/${x}//b/./c
  <nixpkgs> <a/b-c.d> (x /a) (x/a) (x / x) { a = ./b; }.a
]
