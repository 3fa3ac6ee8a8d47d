let
  sri = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  to = toHashFormat: builtins.convertHash { hash = sri; inherit toHashFormat; };
in map to [ "base16" "nix32" "base64" "sri" ] ++ [
  (builtins.convertHash { hash = to "nix32"; hashAlgo = "sha256"; toHashFormat = "sri"; })
  (builtins.convertHash { hash = "md5:d41d8cd98f00b204e9800998ecf8427e"; toHashFormat = "base64"; })
  (builtins.convertHash { hash = "da39a3ee5e6b4b0d3255bfef95601890afd80709"; hashAlgo = "sha1"; toHashFormat = "nix32"; })
]
