builtins.hashFile "crc32" ./files/text
