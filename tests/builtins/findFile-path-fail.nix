builtins.findFile [ { prefix = "x"; } ] "y"
