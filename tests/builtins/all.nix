with builtins; [ (all (x: x > 0) [ 1 2 3 ]) (all (x: x > 0) [ 1 (-2) (throw "not looked at") ]) (all throw [ ]) (all (x: true) [ (throw "x") ]) ]
