let drv = derivation { name = "x"; system = "s"; builder = "/b"; outputs = [ "out" "dev" ]; };
in map builtins.getContext [ "plain" "${drv}" "${drv.dev}${drv}" drv.drvPath "${drv.drvPath}${drv}${builtins.toFile "f" "t"}" ]
