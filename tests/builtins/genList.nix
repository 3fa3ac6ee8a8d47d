with builtins; [ (genList (x: x * x) 5) (genList throw 0) (length (genList throw 3)) ]
