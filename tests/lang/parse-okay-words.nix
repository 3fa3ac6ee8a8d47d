let
  a = 1; n-1 = 2; a' = 3; _b = 4; x = y: y; or = 5; import' = 6;
in {
  minus = n-1; prime = a'; path1 = a/b; path2 = a'/b; uri = x:y; lambda = x: y: x; uri2 = a+b.c-d:e'f~g;
  under = _b: _b; or = 1; "if" = 2; "a b" = 3; "" = 4; select = { }.or or 7; call = x { a = 1; }.a; inherit a';
  dots = { a, ... }: a; float = x .5; spaces = [ a.b a .b a. b ]; cur = __curPos; cur2 = [ __curPos.line ];
}
