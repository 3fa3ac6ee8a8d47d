builtins.appendContext "x" { "/tmp" = { path = true; }; }
