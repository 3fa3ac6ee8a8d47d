builtins.fetchTree { type = "git"; url = "https://example.org/"; lastModified = -1; }
