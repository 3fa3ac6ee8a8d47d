builtins.isInt builtins.currentTime && builtins.currentTime > 1000000000
