derivationStrict { name = "x"; system = "s"; }
