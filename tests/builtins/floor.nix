with builtins; [ (floor 1.5) (floor (-1.5)) (floor 2) (floor 0.0) (floor (-0.5)) (floor 1.0e15) ]
