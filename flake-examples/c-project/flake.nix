{
  description = "A C program and the shell to work on it";

  # In a project of your own: inputs.debpkgs.url = "debpkgs";
  inputs.debpkgs.url = "path:../../src/debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.packages.${system};
    in
    {
      devShells.${system}.default = debpkgs.legacyPackages.${system}.mkShell {
        packages = [ pkgs.gcc pkgs.gnumake pkgs.jq ];
        shellHook = ''
          echo "make builds ./count, which counts the words on standard input; make check tries it on JSON"
        '';
      };
    };
}
