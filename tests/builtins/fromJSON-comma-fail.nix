builtins.fromJSON "[1,\n2,]"
