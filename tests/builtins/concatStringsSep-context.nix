let d = n: derivation { name = n; system = "s"; builder = "/b"; };
in builtins.getContext (builtins.concatStringsSep "${d "sep"}" [ "${d "a"}" "b" "${d "c"}" ])
