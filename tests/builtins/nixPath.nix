builtins.isList builtins.nixPath && __nixPath == builtins.nixPath
