with builtins; [ (ceil 1.5) (ceil (-1.5)) (ceil 2) (ceil 0.0) (ceil (-0.5)) (ceil 1.0e15) (ceil (-9223372036854775807 - 1)) ]
