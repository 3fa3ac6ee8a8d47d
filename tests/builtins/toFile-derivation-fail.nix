builtins.toFile "x" "${derivation { name = "y"; system = "s"; builder = "/b"; }}"
