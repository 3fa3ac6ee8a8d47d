map baseNameOf [ "" "/" "//" "a" "a/" "a//" "/a/b" "/a/b/" "a/b.c" /x/y ./files { outPath = "/o/p"; } ]
