let
  x = { }; y = "y"; inherit (x) p q; inherit true; inherit (y) r;
in rec {
  a.b.c = 1; a = { d = 2; b.e = 3; }; a.b.f.g = 4;
  b = rec { c = 1; }; b.d = 2;
  e.f = 1; e = rec { g = 2; };
  h = { inherit (x) i j; k = 1; inherit x; ${y} = 2; }; h = { inherit y; l = 2; ${y + "z"} = 3; };
  m.${y}.n = 1; m.${y}.o = 2; "p q".r = 1;
  inherit (x); inherit; inherit (x) "s" ${"t"} or; inherit ({ u = 1; }) u;
  v = { }; v.w = 1; v = { x = 1; };
  __overrides = { }; z = let { a = b; b = 1; body = a; };
}
