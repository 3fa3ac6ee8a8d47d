with builtins; [ (sub 1 2) (sub 1 2.5) (sub (-9223372036854775807) 1) ]
