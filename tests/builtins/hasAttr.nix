with builtins; [ (hasAttr "a" { a = throw "not looked at"; }) (hasAttr "b" { a = 1; }) (hasAttr "never seen before" { }) ]
