let
  fixed = name: url: derivation { inherit name url; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "fetch ${url}" ];
    outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "1111111111111111111111111111111111111111111111111111"; };
  a = fixed "source.tar" "http://one.example/a";
  b = fixed "source.tar" "http://two.example/b";
  lib = src: derivation { name = "lib"; system = "x86_64-linux"; builder = "/bin/sh"; inherit src; outputs = [ "out" "dev" "doc" ]; };
  la = lib a; lb = lib b;
in {
  inherit a la;
  # two inputs with one hash modulo, different outputs wanted
  merged = derivation { name = "merged"; system = "x86_64-linux"; builder = "/bin/sh"; x = la.dev; y = lb.out; z = [ lb.doc la.out ]; };
  tree = derivation { name = "tree"; system = "builtin"; builder = "builtin:fetchurl"; outputHashMode = "recursive"; outputHashAlgo = "sha1"; outputHash = "0000000000000000000000000000000000000000"; };
  escapes = derivation { name = "escapes"; system = "x86_64-linux"; builder = "/bin/\"odd\"\\name"; args = [ "tab\there" "line\nfeed\rreturn" "" "uml\\aut ä € 😀" ];
    text = "a\n\tb\"c\"\\n"; empty = ""; file = builtins.toFile "plain.txt" "hello ${builtins.toFile "inner" "x"}\n"; };
  structured = derivation { name = "structured"; system = "x86_64-linux"; builder = "/bin/sh"; __structuredAttrs = true; outputs = [ "out" "dev" ]; list = [ 1 2.5 "three" null true ]; nested.a."b c" = la; neg = -7; big = 1.0e100; exp = 1.0e-7; flt = 2.0; uni = "ä€\n\"\\/"; };
  context = derivation { name = "context"; system = "x86_64-linux"; builder = "/bin/sh"; drv = la.drvPath; all = builtins.readFile (builtins.toFile "n" "n"); };
}
