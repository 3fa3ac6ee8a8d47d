{
  description = "A script over the command of core";

  inputs.debpkgs.url = "path:../../../../src/debpkgs";
  inputs.core.url = "path:../core";
  inputs.core.inputs.debpkgs.follows = "debpkgs";

  outputs = { self, debpkgs, core }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      packages.${system}.default = pkgs.writeShellApplication {
        name = "report";
        runtimeInputs = [ core.packages.${system}.default ];
        text = ''echo "$1 + $2 = $(add "$1" "$2")"'';
      };
    };
}
