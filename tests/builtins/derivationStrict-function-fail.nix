derivationStrict { name = "x"; system = "s"; builder = "/b"; f = x: x; }
