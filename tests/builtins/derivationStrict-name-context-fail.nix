derivationStrict { name = "${derivation { name = "y"; system = "s"; builder = "/b"; }}"; system = "s"; builder = "/b"; }
