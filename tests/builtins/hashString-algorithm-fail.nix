builtins.hashString "sha3" ""
