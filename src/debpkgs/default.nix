# The package set as a function; flake.nix calls it. `mirror` is the address of a Debian mirror; floe resolves "mirror://debian" itself.
{ system ? "x86_64-linux", mirror ? "mirror://debian" }:
let
  index = import ./index.nix;
  debian = import ./debian.nix {
    inherit system mirror index;
    families = import ./families.nix;
    quirks = import ./quirks.nix;
  };
  cc = import ./toolchain { inherit debian system; };
in
{ inherit debian cc; }
