let s = builtins.unsafeDiscardStringContext "a${builtins.toFile "x" "y"}"; in [ s (builtins.hasContext s) ]
