derivationStrict {
  name = "x"; system = "s"; builder = "/b"; __structuredAttrs = true; outputs = [ "out" "dev" ]; args = [ "-e" ];
  list = [ 1 2.5 "a" null true [ ] { } ]; set = { b = 1; a = { c = "é\n"; }; }; n = null; float = 1.0; big = 9223372036854775807;
  drv = derivation { name = "y"; system = "s"; builder = "/b"; };
}
