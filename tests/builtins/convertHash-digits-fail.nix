builtins.convertHash { hash = "e!!0000000000000000000000000000000000000000000000000"; hashAlgo = "sha256"; toHashFormat = "sri"; }
