with builtins; [ (deepSeq { a = [ 1 { b = 2; } ]; } 3) (let x = { inherit x; y = [ x ]; }; in deepSeq x 4) (tryEval (deepSeq { a = [ (throw "x") ]; } 5)).success ]
