with builtins; [ (bitXor 12 10) (bitXor (-1) 0) (bitXor 9223372036854775807 (-1)) (bitXor 4294967296 4294967297) ]
