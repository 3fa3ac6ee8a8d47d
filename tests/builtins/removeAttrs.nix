with builtins; [ (removeAttrs { a = 1; b = 2; c = 3; } [ "a" "x" "c" "a" ]) (removeAttrs { a = 1; } [ ]) (removeAttrs { } [ "never seen either" ]) ]
