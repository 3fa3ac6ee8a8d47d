builtins.trace "to standard error" (builtins.trace { a = 1; b = throw "x"; } 1)
