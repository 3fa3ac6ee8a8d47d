builtins.fetchMercurial { url = "/x"; branch = "y"; }
