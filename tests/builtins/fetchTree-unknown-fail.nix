builtins.fetchTree { type = "teleport"; }
