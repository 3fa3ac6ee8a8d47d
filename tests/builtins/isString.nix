map builtins.isString [ "" "a" (builtins.toFile "x" "y") /a 1 ]
