with builtins; let
  set = {
    a = 1;
    inherit (set) b;
    c.d = 2;
  };
  show = pos: if pos == null then null else { file = baseNameOf pos.file; inherit (pos) line column; };
in map show [
  (unsafeGetAttrPos "a" set) (unsafeGetAttrPos "b" set) (unsafeGetAttrPos "d" set.c) (unsafeGetAttrPos "x" set) (unsafeGetAttrPos "a" (set // { z = 1; }))
  (unsafeGetAttrPos "q" (listToAttrs [ { name = "q"; value = 1; } ])) (unsafeGetAttrPos "a" (mapAttrs (n: v: v) set)) (unsafeGetAttrPos "a" (removeAttrs set [ "b" ]))
  (unsafeGetAttrPos "a" (intersectAttrs { a = 0; } set)) (unsafeGetAttrPos "x" (functionArgs ({ x, y ? 1 }: x))) (unsafeGetAttrPos "a" (zipAttrsWith (n: v: v) [ set ]))
  (unsafeGetAttrPos "right" (partition (x: x) [ ])) __curPos
]
