let
  a = 1; b = 2; c = 3; or = 4; f = x: y: x; s = { };
in [
  (a - b - c) (a + b * c) (-a - -b) (- a + b) (!a == b) (!a && !b) (a * !b + c)
  (a < b) (a <= b) (a > b) (a >= b) (a -> b -> c) (a // b // c) (a ++ b ++ c)
  (s ? a ? b) (s ? a.b."c d".${f} && !s ? or) (-s ? a) (-f a b) (f a b // f b a ? x)
  (a == b || b != c && a < b) ((f a) b) ((a - b) c) (<nixpkgs/lib> { }) (f or a) (f (f or))
  (if a then b else c + 1) (a: b: a b) (with s; a) (assert a; b) (let x = a; in x)
]
