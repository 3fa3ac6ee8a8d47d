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
  findFirstIndex = test: default: xs:
    let go = i: if i == length xs then default else if test (elemAt xs i) then i else go (i + 1); in go 0;
  findFirst = test: default: xs: let i = findFirstIndex test null xs; in if i == null then default else elemAt xs i;
  findSingle = test: none: several: xs:
    let found = builtins.filter test xs; in
    if found == [ ] then none else if length found == 1 then builtins.head found else several;
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
  takeEnd = n: xs: drop (lib.max 0 (length xs - n)) xs;
  dropEnd = n: xs: take (lib.max 0 (length xs - n)) xs;
  concatAttrValues = set: builtins.concatLists (builtins.attrValues set);
  ifilter0 = test: xs: builtins.concatLists (imap0 (i: x: optional (test i x) x) xs);
  allUnique = xs: length (unique xs) == length xs;
  mutuallyExclusive = a: b: !(builtins.any (x: builtins.elem x b) a);
  replaceElemAt = xs: at: x:
    if at < 0 || at >= length xs then throw "lib.lists.replaceElemAt: there is no element ${toString at} in a list of ${toString (length xs)}"
    else imap0 (i: y: if i == at then x else y) xs;
  groupBy' = f: start: key: xs: builtins.mapAttrs (_: builtins.foldl' f start) (builtins.groupBy key xs);
  hasPrefix = prefix: xs: take (length prefix) xs == prefix;
  removePrefix = prefix: xs: if hasPrefix prefix xs then drop (length prefix) xs else throw "lib.lists.removePrefix: the first list is no prefix of the second";
  commonPrefix = a: b:
    let
      most = lib.min (length a) (length b);
      go = n: if n < most && elemAt a n == elemAt b n then go (n + 1) else n;
    in
    take (go 0) a;
  compareLists = compare: a: b:
    if a == [ ] then (if b == [ ] then 0 else -1)
    else if b == [ ] then 1
    else let first = compare (builtins.head a) (builtins.head b); in if first != 0 then first else compareLists compare (builtins.tail a) (builtins.tail b);
  # From the first element on to what stands before it, and before that: an element that nothing stands before, or a cycle.
  listDfs = stopOnCycles: before: xs:
    let
      step = here: visited: rest:
        let
          behind = builtins.filter (x: before x here) visited;
          ahead = builtins.partition (x: before x here) rest;
        in
        if stopOnCycles && behind != [ ] then { cycle = here; loops = behind; inherit visited rest; }
        else if ahead.right == [ ] then { minimal = here; inherit visited rest; }
        else step (builtins.head ahead.right) ([ here ] ++ visited) (builtins.tail ahead.right ++ ahead.wrong);
    in
    step (builtins.head xs) [ ] (builtins.tail xs);
  # In an order in which nothing comes before what it has to follow; or the cycle that makes this impossible.
  toposort = before: xs:
    let
      first = listDfs true before xs;
      others = toposort before (first.visited ++ first.rest);
    in
    if length xs < 2 then { result = xs; }
    else if first ? cycle then { cycle = reverseList ([ first.cycle ] ++ first.visited); inherit (first) loops; }
    else if others ? cycle then others
    else { result = [ first.minimal ] ++ others.result; };
  uniqList = { inputList, acc ? [ ] }: unique (acc ++ inputList);
}
