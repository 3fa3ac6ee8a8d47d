with builtins; [ (mapAttrs (n: v: n + toString v) { a = 1; b = 2; }) (mapAttrs throw { }) (attrNames (mapAttrs (n: throw n) { c = 1; })) (mapAttrs 1 { }) ]
