builtins.filterSource (path: type: type != "symlink" && baseNameOf path != "binary") ./files
