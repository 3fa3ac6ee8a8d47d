let drv = derivation { name = "x"; system = "s"; builder = "/b"; outputs = [ "out" "dev" ]; foo = "bar"; };
in {
  names = builtins.attrNames drv;
  inherit (drv) type name system builder foo outputs outputName drvPath outPath;
  all = map (o: [ o.outputName o.outPath ]) drv.all;
  dev = drv.dev.outPath;
  back = drv.dev.out.dev.outputName;
  same = drv == drv.dev.out;
  given = drv.drvAttrs;
  lazy = (derivation { name = throw "not looked at"; }).type;
  args = builtins.functionArgs derivation;
}
