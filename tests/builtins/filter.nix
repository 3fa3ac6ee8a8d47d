with builtins; [ (filter (x: x > 2) [ 1 2 3 4 ]) (filter (x: false) [ 1 ]) (filter throw [ ]) (length (filter (x: true) [ (throw "x") ])) ]
