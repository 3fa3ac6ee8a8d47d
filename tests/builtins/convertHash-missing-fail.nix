builtins.convertHash { hash = "abc"; hashAlgo = "sha256"; }
