map builtins.hasContext [ "" "x" (builtins.toFile "x" "y") "${derivation { name = "x"; system = "s"; builder = "/b"; }}" ]
