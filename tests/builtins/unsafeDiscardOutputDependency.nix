let drv = derivation { name = "x"; system = "s"; builder = "/b"; };
in map (s: builtins.getContext (builtins.unsafeDiscardOutputDependency s)) [ "x" drv.drvPath "${drv}" "${drv.drvPath}${drv}" ]
