{
  description = "Python with modules";

  inputs.debpkgs.url = "debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
      # ps.yaml is Debian's python3-yaml
      python = pkgs.python3.withPackages (ps: [ ps.yaml ]);
    in
    {
      devShells.${system}.default = pkgs.mkShell { packages = [ python ]; };

      apps.${system}.default = {
        type = "app";
        program = "${pkgs.writeShellScript "main" "exec ${python}/bin/python3 ${./main.py} \"$@\""}";
      };
    };
}
