[ (builtins.toJSON ./files/text) (builtins.getContext (builtins.toJSON { p = ./files/text; })) (builtins.toJSON (derivation { name = "x"; system = "s"; builder = "/b"; })) ]
