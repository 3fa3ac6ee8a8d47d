with builtins; [ (mul 3 4) (mul 1.5 2) (mul (-3) 3) (mul 3037000499 3037000499) (mul 0 (-1)) ]
