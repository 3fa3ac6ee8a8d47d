with builtins; listToAttrs [ { name = "a"; value = 1; } { name = "b"; value = 2; more = 3; } { name = "a"; value = throw "not looked at"; } { name = "a"; } ]
