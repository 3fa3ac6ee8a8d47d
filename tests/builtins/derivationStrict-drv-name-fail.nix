derivationStrict { name = "x.drv"; system = "s"; builder = "/b"; }
