{
  description = "A development shell";

  inputs.debpkgs.url = "debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = pkgs.mkShell {
        packages = [ pkgs.jq pkgs.ripgrep ];
        shellHook = ''
          echo "$(jq --version) and $(rg --version | head -n 1)"
        '';
      };
    };
}
