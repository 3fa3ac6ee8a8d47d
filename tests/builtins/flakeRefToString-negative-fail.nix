builtins.flakeRefToString { type = "path"; path = "/x"; lastModified = -1; }
