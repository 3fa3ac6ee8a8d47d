with builtins; [ (attrNames { }) (attrNames { b = 1; a = throw "not looked at"; Z = 2; "é" = 3; "a b" = 4; }) ]
