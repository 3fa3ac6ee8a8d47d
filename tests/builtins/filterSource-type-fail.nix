builtins.filterSource (path: type: 1) ./files
