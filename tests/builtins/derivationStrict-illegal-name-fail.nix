derivationStrict { name = "a b"; system = "s"; builder = "/b"; }
