[ false builtins.false (!false) ]
