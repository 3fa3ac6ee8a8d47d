builtins.warn "to standard error" 1
