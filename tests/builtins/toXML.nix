builtins.toXML [ null true 1 1.5 "<a>&\"'\n" /a/b [ ] { } { a = 1; "b c" = [ 2 ]; } (x: x) ({ a, b ? 1, ... }: a) (y@{ c }: c) ({ }: 1) builtins.add (builtins.add 1)
  (let d = derivation { name = "x"; system = "s"; builder = "/b"; }; in [ d d ]) ]
