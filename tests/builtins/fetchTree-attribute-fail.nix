builtins.fetchTree { type = "git"; url = "https://example.org/"; branch = "x"; }
