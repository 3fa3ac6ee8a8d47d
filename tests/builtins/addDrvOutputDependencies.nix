let
  drv = derivation { name = "x"; system = "s"; builder = "/b"; };
  plain = builtins.unsafeDiscardOutputDependency drv.drvPath;
in map builtins.getContext [ drv.drvPath plain (builtins.addDrvOutputDependencies plain) (builtins.addDrvOutputDependencies drv.drvPath) ]
