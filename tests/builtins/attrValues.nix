with builtins; [ (attrValues { }) (attrValues { b = 1; a = 2; Z = 3; }) (length (attrValues { a = throw "not looked at"; })) ]
