let d = n: derivation { name = n; system = "s"; builder = "/b"; };
in builtins.getContext (builtins.replaceStrings [ "a" "b" "${d "from"}" ] [ "${d "used"}" "${d "unused"}" "" ] "a${d "text"}")
