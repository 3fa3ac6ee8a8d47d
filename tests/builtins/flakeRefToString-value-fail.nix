builtins.flakeRefToString { type = "github"; owner = [ ]; repo = "x"; }
