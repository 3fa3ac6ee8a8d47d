{
  description = "A library and its command";

  inputs.debpkgs.url = "path:../../../../src/debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      packages.${system}.default = pkgs.stdenv.mkDerivation {
        pname = "core";
        version = "1.0";
        src = ./src;
        makeFlags = [ "PREFIX=${placeholder "out"}" ];
        meta.mainProgram = "add";
      };
    };
}
