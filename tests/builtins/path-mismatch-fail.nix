builtins.baseNameOf (builtins.path { path = /. + "/surely"; sha256 = ""; recursive = "x"; })
