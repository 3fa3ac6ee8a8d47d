map builtins.isBool [ true false 1 null "true" ]
