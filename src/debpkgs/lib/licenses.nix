# The licences that packages name most, by nixpkgs' names and SPDX identifiers; and an empty list of maintainers.
{ lib }:
let
  license = spdxId: fullName: { inherit spdxId fullName; free = true; deprecated = false; };
in
{
  licenses = lib.mapAttrs (shortName: entry: entry // { inherit shortName; }) {
    mit = license "MIT" "MIT License";
    asl20 = license "Apache-2.0" "Apache License 2.0";
    bsd2 = license "BSD-2-Clause" "BSD 2-Clause License";
    bsd3 = license "BSD-3-Clause" "BSD 3-Clause License";
    isc = license "ISC" "ISC License";
    zlib = license "Zlib" "zlib License";
    gpl2Only = license "GPL-2.0-only" "GNU General Public License v2.0 only";
    gpl2Plus = license "GPL-2.0-or-later" "GNU General Public License v2.0 or later";
    gpl3Only = license "GPL-3.0-only" "GNU General Public License v3.0 only";
    gpl3Plus = license "GPL-3.0-or-later" "GNU General Public License v3.0 or later";
    lgpl21Plus = license "LGPL-2.1-or-later" "GNU Lesser General Public License v2.1 or later";
    lgpl3Plus = license "LGPL-3.0-or-later" "GNU Lesser General Public License v3.0 or later";
    agpl3Only = license "AGPL-3.0-only" "GNU Affero General Public License v3.0 only";
    mpl20 = license "MPL-2.0" "Mozilla Public License 2.0";
    cc0 = license "CC0-1.0" "Creative Commons Zero v1.0 Universal";
    unlicense = license "Unlicense" "The Unlicense";
    publicDomain = { fullName = "Public Domain"; free = true; };
    unfree = { fullName = "Unfree"; free = false; };
  };
  maintainers = { };
}
