[ (builtins ? builtins) (builtins.builtins.add 1 1) (builtins ? outputOf) (builtins ? fetchClosure) (builtins ? exec) (builtins ? importNative) ]
