builtins.readFile /surely/not/there
