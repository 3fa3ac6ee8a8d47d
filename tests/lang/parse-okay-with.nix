x: with x; let y = z; in with y; { inherit w; inherit (v) u; f = { w, s ? t }: w s r; }
