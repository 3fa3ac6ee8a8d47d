{
  description = "A C++ library and program, built and tested by CMake";

  inputs.debpkgs.url = "debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      packages.${system}.default = pkgs.stdenv.mkDerivation {
        pname = "roman";
        version = "1.0";
        src = ./.;
        nativeBuildInputs = [ pkgs.cmake pkgs.ninja pkgs.pkg-config ];
        buildInputs = [ pkgs.zlib ];
        doCheck = true;
        meta.mainProgram = "roman";
      };

      checks.${system}.roman = pkgs.runCommand "roman-check" { nativeBuildInputs = [ self.packages.${system}.default ]; } ''
        [[ $(roman 1996) == MCMXCVI ]]
        touch $out
      '';

      devShells.${system}.default = pkgs.mkShell {
        inputsFrom = [ self.packages.${system}.default ];
        packages = [ pkgs.gdb ];
      };
    };
}
