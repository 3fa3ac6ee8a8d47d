{
  description = "A repository of several flakes, and one above them that knows all";

  inputs = {
    debpkgs.url = "path:../../src/debpkgs";
    core.url = "path:./packages/core";
    core.inputs.debpkgs.follows = "debpkgs";
    report.url = "path:./packages/report";
    report.inputs.debpkgs.follows = "debpkgs";
    report.inputs.core.follows = "core";
  };

  outputs = { self, debpkgs, core, report }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      packages.${system} = {
        core = core.packages.${system}.default;
        report = report.packages.${system}.default;
        default = pkgs.symlinkJoin {
          name = "everything";
          paths = [ self.packages.${system}.core self.packages.${system}.report ];
        };
      };

      checks.${system}.together = pkgs.runCommand "together" { nativeBuildInputs = [ self.packages.${system}.default ]; } ''
        [[ $(report 3 4) == "3 + 4 = 7" ]]
        touch $out
      '';

      # What it takes to work on any of them.
      devShells.${system}.default = pkgs.mkShell {
        inputsFrom = [ core.packages.${system}.default ];
        packages = [ self.packages.${system}.report ];
      };
    };
}
