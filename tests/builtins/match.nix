with builtins; [ (match "ab" "abc") (match "abc" "abc") (match "a(b)(c)" "abc") (match "[[:space:]]+([[:upper:]]+)[[:space:]]+" "  FOO   ")
  (match "(a)|(b)" "b") (match "((a)|b)*" "ab") (match "(a*)?" "") (match "(a|ab)(c|bcd)(d*)" "abcd") (match ".*\\.nix" "x.nix") (match "a{2,3}" "aaaa") (match "[]-]" "-") (match "[^]]" "]") (match "." "\n") (match "(.*)é" "xé") ]
