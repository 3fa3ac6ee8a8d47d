# Looking at values while they are computed, and tests of expressions.
{ lib }:
rec {
  traceIf = condition: message: value: if condition then builtins.trace message value else value;
  traceValFn = f: value: builtins.trace (f value) value;
  traceVal = traceValFn lib.id;
  traceSeq = shown: builtins.trace (builtins.deepSeq shown shown);
  # Sets and lists below the given depth are named only.
  traceSeqN = depth: shown:
    let
      cut = n: value:
        if builtins.isList value then (if n == 0 && value != [ ] then "[…]" else map (cut (n - 1)) value)
        else if lib.isDerivation value then value.name or "{…}"
        else if builtins.isAttrs value then (if n == 0 && value != { } then "{…}" else lib.mapAttrs (_: cut (n - 1)) value)
        else value;
      short = cut depth shown;
    in
    builtins.trace (lib.generators.toPretty { allowPrettyValues = true; } (builtins.deepSeq short short));
  traceValSeqFn = f: value: traceValFn f (builtins.deepSeq value value);
  traceValSeq = traceValSeqFn lib.id;
  traceValSeqNFn = f: depth: value: traceSeqN depth (f value) value;
  traceValSeqN = traceValSeqNFn lib.id;
  traceFnSeqN = depth: name: f: value: let result = f value; in traceSeqN (depth + 1) { fn = name; from = value; to = result; } result;

  # Tests are { expr; expected; } or { expr; expectedError; }; the result lists those that fail. Only names that start with "test" are run.
  runTests = tests:
    let wanted = tests.tests or [ ]; in
    lib.concatMap
      (name:
        let test = tests.${name}; in
        if (if wanted != [ ] then lib.elem name wanted else lib.hasPrefix "test" name) && test.expr != test.expected
        then [ { inherit name; inherit (test) expected; result = test.expr; } ] else [ ])
      (lib.filter (name: name != "tests") (lib.attrNames tests));
  throwTestFailures = { failures, description ? "tests", ... }:
    if failures == [ ] then null
    else
      throw (lib.concatStringsSep "\n" ([ "${toString (lib.length failures)} ${description} failed:" ]
        ++ map (failure: "- ${failure.name}: expected ${lib.generators.toPretty { multiline = false; } failure.expected}, got ${lib.generators.toPretty { multiline = false; } failure.result}") failures));
  testAllTrue = expr: { inherit expr; expected = map (_: true) expr; };
}
