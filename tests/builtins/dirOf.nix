map dirOf [ "" "/" "a" "/a" "/a/b" "a/b/" "a//b" ] ++ [ (dirOf /a/b == /a) (dirOf /a == /.) (dirOf /. == /.) (builtins.typeOf (dirOf ./files)) ]
