builtins.fromJSON (builtins.toFile "x" "1")
