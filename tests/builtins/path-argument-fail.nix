builtins.path { path = ./files; hash = "x"; }
