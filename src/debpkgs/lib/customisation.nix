# Packages as functions of other packages.
{ lib }:
rec {
  # The result gains `override`, which calls the function again with other arguments.
  makeOverridable = f: args:
    let
      result = f args;
      again = change: makeOverridable f (args // (if lib.isFunction change then change args else change));
    in
    if builtins.isAttrs result then
      result // {
        override = again;
        overrideDerivation = throw "overrideDerivation is not supported; use overrideAttrs";
      } // lib.optionalAttrs (result ? overrideAttrs) {
        overrideAttrs = change: makeOverridable (changed: (f changed).overrideAttrs change) args;
      }
    else if lib.isFunction result then { override = again; __functor = _: result; __functionArgs = lib.functionArgs result; }
    else result;

  callPackageWith = available: file: args:
    let
      function = if lib.isFunction file then file else import file;
      wanted = lib.functionArgs function;
      missing = lib.filter (name: !wanted.${name} && !(available ? ${name}) && !(args ? ${name})) (lib.attrNames wanted);
    in
    if missing != [ ] then
      throw "callPackage: the function ${if lib.isFunction file then "" else "in ${toString file} "}asks for '${lib.head missing}', which the set does not have and the call does not give"
    else makeOverridable function (lib.intersectAttrs wanted available // args);

  callPackagesWith = available: file: args: lib.mapAttrs (_: lib.id) (removeAttrs (callPackageWith available file args) [ "override" "overrideDerivation" ]);

  # A set whose members are called with each other.
  makeScope = newScope: f:
    let
      self = f self // {
        newScope = scope: newScope (self // scope);
        callPackage = self.newScope { };
        overrideScope = overlay: makeScope newScope (lib.extends overlay f);
        packages = f;
      };
    in
    self;

  # A function like mkDerivation from another one: `extendDrvArgs` adds to the arguments, and sees the finished package.
  extendMkDerivation =
    { constructDrv, extendDrvArgs, excludeDrvArgNames ? [ ], excludeFunctionArgNames ? [ ], inheritFunctionArgs ? true, transformDrv ? lib.id }:
    lib.setFunctionArgs
      (argument: transformDrv (constructDrv (final:
        let args = lib.toFunction argument final; in
        removeAttrs args excludeDrvArgNames // extendDrvArgs final args)))
      (removeAttrs ((if inheritFunctionArgs then lib.functionArgs constructDrv else { }) // lib.functionArgs (extendDrvArgs { })) excludeFunctionArgNames);

  overrideDerivation = drv: f:
    let again = derivation (drv.drvAttrs // f drv); in
    lib.extendDerivation ({ meta = drv.meta or { }; passthru = drv.passthru or { }; } // drv.passthru or { } // { overrideDerivation = g: overrideDerivation (overrideDerivation drv f) g; }) again;
}
