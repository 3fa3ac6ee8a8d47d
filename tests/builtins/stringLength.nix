map builtins.stringLength [ "" "abc" "é" { outPath = "12345"; } ]
