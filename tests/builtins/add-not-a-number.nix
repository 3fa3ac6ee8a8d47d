let inf = 1.0e308 * 10.0;
in [ (builtins.add inf (-inf)) (toString (inf - inf)) (inf * 0) (builtins.fromTOML "a = nan\nb = -nan\nc = +nan") (builtins.toJSON [ inf (inf - inf) ]) ((inf - inf) == (inf - inf)) ]
