derivationStrict { name = "x"; system = "s"; builder = "/b"; __json = "{ \"b\": 1.50, \"a\": [ 1, {\"z\": null, \"y\": 1e3} ] }"; }
