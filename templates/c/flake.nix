{
  description = "A C program";

  inputs.debpkgs.url = "debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      packages.${system}.default = pkgs.stdenv.mkDerivation {
        pname = "hello";
        version = "0.1";
        src = ./.;
        makeFlags = [ "PREFIX=${placeholder "out"}" ];
        doCheck = true;
        meta.mainProgram = "hello";
      };

      devShells.${system}.default = pkgs.mkShell {
        inputsFrom = [ self.packages.${system}.default ];
        packages = [ pkgs.gdb ];
      };
    };
}
