with builtins; let
  closure = startSet: operator: map (x: x.key) (genericClosure { inherit startSet operator; });
in [
  (closure [ { key = 5; } ] (item: [ { key = if item.key / 2 * 2 == item.key then item.key / 2 else 3 * item.key + 1; } ]))
  (closure [ { key = "a"; } { key = "a"; } { key = "b"; } ] (item: [ { key = "c"; } ]))
  (closure [ { key = 1; } { key = 1.0; } { key = 0.5; } ] (item: [ ]))
  (closure [ { key = [ 1 "a" ]; } { key = [ 1 "a" ]; } { key = [ 1 "b" ]; } ] (item: [ ]))
  (map baseNameOf (closure [ { key = /a/b; } { key = /a/b; } { key = /a; } ] (item: [ ])))
  (genericClosure { startSet = [ ]; })
  (genericClosure { startSet = [ { key = true; value = 1; } ]; operator = x: [ ]; })
]
