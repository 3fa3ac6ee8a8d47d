builtins.addErrorContext (throw "not looked at") 42
