derivationStrict { name = "x"; system = "s"; builder = "/b"; outputHashMode = "tar"; }
