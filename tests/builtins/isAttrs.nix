map builtins.isAttrs [ { } [ ] 1 (x: x) null ]
