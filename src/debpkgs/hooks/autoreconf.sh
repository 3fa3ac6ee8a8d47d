# Makes ./configure anew before it runs; autoreconfFlags and dontAutoreconf as in nixpkgs' manual, section "autoreconfHook".

autoreconfPhase() {
  runHook preAutoreconf
  local flags=()
  concatTo flags autoreconfFlags=--install autoreconfFlagsArray
  # what an earlier run left is of another version
  if [[ " ${flags[*]} " != *' --force '* && -z ${autoreconfFlags-} ]]; then flags+=(--force --verbose); fi
  autoreconf "${flags[@]}"
  runHook postAutoreconf
}

if [[ -z ${dontAutoreconf-} ]]; then appendToVar preConfigurePhases autoreconfPhase; fi
