with builtins; [ (zipAttrsWith (name: values: { inherit name values; }) [ { a = 1; } { b = 2; a = 3; } { } ]) (zipAttrsWith throw [ ]) (attrNames (zipAttrsWith (n: throw n) [ { c = 1; } ])) ]
