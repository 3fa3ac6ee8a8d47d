let
  a = derivation { name = "a"; system = "s"; builder = "/b"; outputs = [ "out" "dev" "doc" ]; };
  file = builtins.toFile "source" "text";
in derivationStrict { name = "b"; system = "s"; builder = "${a}/bin/sh"; args = [ file ]; x = a.dev; y = [ a.doc a ]; }
