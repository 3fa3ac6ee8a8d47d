let zero = -1 * 0.0; in [ zero (zero + zero) (builtins.add zero zero) (zero + 0) (0 + zero) ]
