[ (import ./files/answer.nix) (import ./files/folder) (import ./files/to-folder) (import (toString ./files/answer.nix)).answer ]
