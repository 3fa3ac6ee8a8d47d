builtins.fetchTree { url = "https://example.org/"; }
