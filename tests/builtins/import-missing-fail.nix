import /surely/not/there.nix
