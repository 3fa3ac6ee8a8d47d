let
  drv = derivation { name = "x"; system = "s"; builder = "/b"; outputs = [ "out" "dev" ]; };
  path = builtins.unsafeDiscardStringContext drv.drvPath;
  file = builtins.toFile "f" "text";
  s = builtins.appendContext "text" {
    ${path} = { outputs = [ "out" "dev" ]; allOutputs = true; path = true; };
    ${builtins.unsafeDiscardStringContext file} = { path = true; allOutputs = false; };
  };
in [ s (builtins.getContext s) (builtins.getContext (builtins.appendContext s { })) ]
