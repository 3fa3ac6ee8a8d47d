with builtins; [ (seq 1 2) (seq { a = throw "not looked at"; } 3) (tryEval (seq (throw "x") 4)).success ]
