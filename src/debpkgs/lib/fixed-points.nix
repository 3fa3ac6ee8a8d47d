# Functions of their own result: sets whose attributes refer to each other, and layers over them.
{ lib }:
rec {
  fix = f: let x = f x; in x;
  fix' = f: let x = f x // { __unfix__ = f; }; in x;
  extends = overlay: f: final: let previous = f final; in previous // overlay final previous;
  composeExtensions = f: g: final: previous: let first = f final previous; in first // g final (previous // first);
  composeManyExtensions = lib.foldr composeExtensions (_: _: { });
  makeExtensible = makeExtensibleWithCustomName "extend";
  makeExtensibleWithCustomName = name: f: fix' (final: f final // { ${name} = overlay: makeExtensibleWithCustomName name (extends overlay f); });
  converge = f: x: let next = f x; in if next == x then x else converge f next;
  # An overlay of any of the forms that overrideAttrs takes.
  toExtension = change:
    if lib.isFunction change then
      final: previous: let once = change final; in if lib.isFunction once then once previous else change previous
    else _: _: change;
}
