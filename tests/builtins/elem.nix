with builtins; [ (elem 1 [ 3 2 1 ]) (elem 1 [ ]) (elem 1.0 [ 1 ]) (elem { a = 1; } [ { a = 1; } ]) (elem [ 1 ] [ [ 2 ] ]) (elem (x: x) [ (x: x) ]) ]
