with builtins; [ (map (x: x + 1) [ 1 2 ]) (map throw [ ]) (length (map throw [ "a" ])) (elemAt (map (x: y: x) [ 1 ]) 0 2) ]
