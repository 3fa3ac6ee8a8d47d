builtins.fromTOML "a = 1 2\nb\nc = 3"
