map builtins.splitVersion [ "1.2.3" "" "1a2" "1..2--3" "pre" "a.b-c1" "0.12pre12876" ]
