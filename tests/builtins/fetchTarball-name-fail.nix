builtins.fetchTarball { url = "https://example.org/x.tar.gz"; name = "a b"; }
