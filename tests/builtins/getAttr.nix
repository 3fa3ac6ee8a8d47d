with builtins; [ (getAttr "a" { a = 1; b = throw "x"; }) (getAttr "a b" { "a b" = 2; }) ]
