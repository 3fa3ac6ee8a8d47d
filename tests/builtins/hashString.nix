map (t: builtins.hashString t "é") [ "md5" "sha1" "sha256" "sha512" ] ++ [ (builtins.hashString "sha256" "") ]
