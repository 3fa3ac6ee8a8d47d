builtins.fetchurl "https://example.org/a%20b~"
