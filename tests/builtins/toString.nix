map toString [ "a" /a/b 1 (-1) 1.5 0.1 1.0e10 true false null [ ] [ 1 [ 2 [ ] 3 ] "x" [ ] ] [ [ ] 1 ] { outPath = "/o"; } { __toString = self: self.x; x = "x"; } ]
