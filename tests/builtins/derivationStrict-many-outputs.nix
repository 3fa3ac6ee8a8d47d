derivationStrict { name = "x"; system = "s"; builder = "/b"; outputs = "zeta alpha  out\tbin"; }
