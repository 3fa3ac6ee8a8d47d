[
  (builtins.path { path = ./files; name = "files"; filter = path: type: type == "regular"; })
  (builtins.path { path = ./files/text; })
  (builtins.path { path = ./files/text; recursive = false; name = "flat"; })
  (builtins.path { path = ./files/link; })
  (builtins.path { path = ./files/text; recursive = false; sha256 = builtins.hashFile "sha256" ./files/text; })
  (builtins.path { path = ./files/folder; filter = path: type: true; })
]
