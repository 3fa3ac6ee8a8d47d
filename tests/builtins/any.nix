with builtins; [ (any (x: x > 2) [ 1 2 3 ]) (any (x: x > 0) [ 1 (throw "not looked at") ]) (any throw [ ]) (any (x: false) [ (throw "x") ]) ]
