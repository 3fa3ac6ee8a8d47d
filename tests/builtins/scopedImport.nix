[ (scopedImport { x = 1; y = 2; } ./files/scoped.nix) (scopedImport { true = 0; } ./files/answer.nix) (scopedImport { } ./files/folder) ]
