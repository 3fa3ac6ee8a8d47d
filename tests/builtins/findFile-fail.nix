builtins.findFile [ { path = ./files; prefix = "x"; } ] "y"
