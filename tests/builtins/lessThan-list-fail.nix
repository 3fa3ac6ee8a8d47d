builtins.lessThan [ 1 { } ] [ 1 null ]
