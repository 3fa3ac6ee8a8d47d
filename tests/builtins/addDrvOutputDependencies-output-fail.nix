builtins.addDrvOutputDependencies (derivation { name = "x"; system = "s"; builder = "/b"; }).outPath
