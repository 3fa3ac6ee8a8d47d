builtins.deepSeq { a.b = [ 1 (abort "deep") ]; } 1
