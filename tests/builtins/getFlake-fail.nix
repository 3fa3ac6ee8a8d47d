builtins.getFlake "./relative"
