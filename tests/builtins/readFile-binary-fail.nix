builtins.stringLength (builtins.readFile (/. + builtins.unsafeDiscardStringContext (toString ./files/binary)))
