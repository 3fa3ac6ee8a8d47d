map builtins.typeOf [ 1 true "x" /a null { } [ ] (x: x) builtins.add (builtins.add 1) 1.0 (builtins.toFile "x" "y") ]
