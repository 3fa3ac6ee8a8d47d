scopedImport { x = 1; } ./files/scoped.nix
