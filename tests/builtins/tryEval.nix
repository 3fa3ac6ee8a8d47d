with builtins; [ (tryEval 1) (tryEval (throw "x")) (tryEval (assert false; 1)) (tryEval (seq (tryEval (throw "y")).success 2)) (tryEval { a = throw "x"; }).success ]
