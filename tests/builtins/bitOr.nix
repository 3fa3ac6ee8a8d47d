with builtins; [ (bitOr 12 10) (bitOr (-8) 7) (bitOr 9223372036854775807 1) (bitOr 4294967296 1) (bitOr (-2147483648) 1) ]
