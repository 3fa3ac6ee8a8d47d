builtins.split "[" ""
