with builtins; [ (concatMap (x: [ x (x * x) ]) [ 1 2 3 ]) (concatMap (x: [ ]) [ 1 ]) (length (concatMap (x: [ (throw "x") ]) [ 1 2 ])) ]
