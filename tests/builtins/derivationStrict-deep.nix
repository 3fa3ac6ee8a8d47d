let
  a = derivation { name = "a"; system = "s"; builder = "/b"; outputs = [ "out" "dev" ]; };
  b = derivation { name = "b"; system = "s"; builder = "/b"; inherit a; file = builtins.toFile "f" "text"; };
in derivationStrict { name = "c"; system = "s"; builder = "/b"; graph = b.drvPath; }
