# Lists.
{ lib }:
let
  inherit (builtins) elemAt genList length;
in
rec {
  inherit (builtins) all any concatLists concatMap elem elemAt filter foldl' genList groupBy head isList length map partition sort tail;
  singleton = x: [ x ];
  toList = x: if builtins.isList x then x else [ x ];
  optional = condition: x: if condition then [ x ] else [ ];
  optionals = condition: xs: if condition then xs else [ ];
  foldr = f: end: xs: let go = i: if i == length xs then end else f (elemAt xs i) (go (i + 1)); in go 0;
  fold = foldr;
  foldl = f: start: xs: let go = i: if i < 0 then start else f (go (i - 1)) (elemAt xs i); in go (length xs - 1);
  imap0 = f: xs: genList (i: f i (elemAt xs i)) (length xs);
  imap1 = f: xs: genList (i: f (i + 1) (elemAt xs i)) (length xs);
  forEach = xs: f: map f xs;
  flatten = x: if builtins.isList x then concatMap flatten x else [ x ];
  remove = x: builtins.filter (y: y != x);
  findFirst = test: default: xs: let found = builtins.filter test xs; in if found == [ ] then default else builtins.head found;
  count = test: xs: length (builtins.filter test xs);
  range = first: last: if first > last then [ ] else genList (i: first + i) (last - first + 1);
  replicate = n: x: genList (_: x) n;
  reverseList = xs: let n = length xs; in genList (i: elemAt xs (n - 1 - i)) n;
  last = xs: if xs == [ ] then throw "lib.last: the list is empty" else elemAt xs (length xs - 1);
  init = xs: if xs == [ ] then throw "lib.init: the list is empty" else take (length xs - 1) xs;
  take = n: xs: genList (elemAt xs) (lib.min n (length xs));
  drop = n: xs: let m = lib.max 0 (length xs - n); in genList (i: elemAt xs (i + length xs - m)) m;
  sublist = start: n: xs: take n (drop start xs);
  zipListsWith = f: a: b: genList (i: f (elemAt a i) (elemAt b i)) (lib.min (length a) (length b));
  zipLists = zipListsWith (fst: snd: { inherit fst snd; });
  unique = builtins.foldl' (seen: x: if builtins.elem x seen then seen else seen ++ [ x ]) [ ];
  uniqueStrings = xs: builtins.attrNames (builtins.groupBy lib.id xs);
  intersectLists = a: builtins.filter (x: builtins.elem x a);
  subtractLists = a: builtins.filter (x: !(builtins.elem x a));
  naturalSort = builtins.sort (a: b: builtins.compareVersions a b < 0);
  sortOn = f: xs: map (pair: pair.x) (builtins.sort (a: b: a.key < b.key) (map (x: { inherit x; key = f x; }) xs));
  crossLists = f: builtins.foldl' (fs: args: concatMap (f: map f args) fs) [ f ];
}
