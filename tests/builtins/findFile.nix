let find = builtins.findFile [ { prefix = "data"; path = ./files; } { path = toString ./.; } ];
in [ (baseNameOf (find "data/text")) (baseNameOf (find "files/answer.nix")) (find "data" == ./files) (import (find "data/answer.nix")).answer ]
