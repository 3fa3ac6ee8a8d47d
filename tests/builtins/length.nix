map builtins.length [ [ ] [ 1 (throw "not looked at") ] ]
