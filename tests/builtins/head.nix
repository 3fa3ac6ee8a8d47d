with builtins; [ (head [ 1 2 ]) (head [ [ ] (throw "x") ]) ]
