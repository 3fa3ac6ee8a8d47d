builtins.convertHash { hash = "abc"; hashAlgo = "blake3"; toHashFormat = "sri"; }
