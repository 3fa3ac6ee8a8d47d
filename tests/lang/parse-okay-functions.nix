[
  (x: x) ({ }: 1) ({ ... }: 1) ({ a }: a) ({ a, }: a) ({ b, a ? b, ... }: a) (s@{ b, a }: s) ({ a ? 1 }@s: s) ({ }@s: s) (s@{ ... }: s)
  (a: b: { c, d ? a: b }: with c; d) ({ a, b ? a, c ? { d, e }: d }: assert a; c) ({ } // { }) ({ a = 1; } ? a) { f = x: y: x; }
]
