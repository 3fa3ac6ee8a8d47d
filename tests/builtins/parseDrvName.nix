map builtins.parseDrvName [ "nix-0.12pre12876" "a-b-c" "a-1-b" "hello" "" "-1" "x-" "a-b-2-3" "a--1" ]
