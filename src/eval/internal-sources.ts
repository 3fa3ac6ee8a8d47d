// The evaluator's own nixlang: `derivation` and `<nix/fetchurl.nix>`.

import { utf8ToByteString } from '../base/bytes.ts';

/** What `<nix/...>` is: path -> text. Such a path prints as it is written. */
export const SEARCH_PATH_SOURCES: Readonly<Record<string, string>> = {
  '<nix/fetchurl.nix>': `# Fetches one file with the builder "builtin:fetchurl"; evaluates like C++ Nix's file of this name.
{ system ? ""
, url
, hash ? ""
, md5 ? "", sha1 ? "", sha256 ? "", sha512 ? ""
, outputHash ?
    if hash != "" then hash
    else if sha512 != "" then sha512
    else if sha1 != "" then sha1
    else if md5 != "" then md5
    else sha256
, outputHashAlgo ?
    if hash != "" then ""
    else if sha512 != "" then "sha512"
    else if sha1 != "" then "sha1"
    else if md5 != "" then "md5"
    else "sha256"
, executable ? false
, unpack ? false
, name ? baseNameOf (toString url)
, impure ? false
}:
derivation ({
  builder = "builtin:fetchurl";
  system = "builtin";
  inherit name url executable unpack;
  outputHashMode = if unpack || executable then "recursive" else "flat";
  urls = [ url ];
  preferLocalBuild = true;
  impureEnvVars = [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" ];
} // (if impure then { __impure = true; } else { inherit outputHashAlgo outputHash; }))
`,
};

/** How messages call the source of `derivation`. */
export const DERIVATION_PATH = utf8ToByteString('«nix-internal»/derivation-internal.nix');

/**
 * `derivation`: the outputs and the path that derivationStrict computes, as a set for each output. Error excerpts show its lines, so the ones
 * that compute are those of C++ Nix's file, and have its line numbers.
 */
export const DERIVATION_SOURCE = `/*${'\n'.repeat(28)}*/
drvAttrs@{
  outputs ? [ "out" ],
  ...
}:

let

  strict = derivationStrict drvAttrs;

  commonAttrs =
    drvAttrs
    // (builtins.listToAttrs outputsList)
    // {
      all = map (x: x.value) outputsList;
      inherit drvAttrs;
    };

  outputToAttrListElement = outputName: {
    name = outputName;
    value = commonAttrs // {
      outPath = builtins.getAttr outputName strict;
      drvPath = strict.drvPath;
      type = "derivation";
      inherit outputName;
    };
  };

  outputsList = map outputToAttrListElement outputs;

in
(builtins.head outputsList).value
`;
