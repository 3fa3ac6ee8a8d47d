[ (builtins.readFile ./files/text) (builtins.readFile ./files/link) (builtins.readFile (toString ./files/text)) ]
