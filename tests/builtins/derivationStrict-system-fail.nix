derivationStrict { name = "x"; builder = "/b"; }
