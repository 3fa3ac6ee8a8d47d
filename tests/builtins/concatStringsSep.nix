with builtins; [ (concatStringsSep "/" [ "usr" "local" "bin" ]) (concatStringsSep ", " [ ]) (concatStringsSep "" [ "a" ]) (concatStringsSep "," [ { outPath = "o"; } { __toString = self: "t"; } ]) ]
