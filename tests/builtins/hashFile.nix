map (t: builtins.hashFile t ./files/text) [ "md5" "sha1" "sha256" "sha512" ] ++ [ (builtins.hashFile "sha1" ./files/link) (builtins.hashFile "sha1" ./files/binary) ]
