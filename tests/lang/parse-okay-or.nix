let or = a: a; x = { }; in [ (x.or or 2) (x.a or x.b or 1) (x or 1) ({ or = 1; }.or) (x.y or (x or)) { inherit or; } { or.or = 1; } ]
