{
  description = "A package of its own, built from C, and the app that runs it";

  inputs.debpkgs.url = "path:../../src/debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      packages.${system} = rec {
        default = greet;

        greet = pkgs.stdenv.mkDerivation (finalAttrs: {
          pname = "greet";
          version = "1.0";
          src = ./src;

          doCheck = true;
          makeFlags = [ "PREFIX=${placeholder "out"}" "VERSION=${finalAttrs.version}" ];

          meta = {
            description = "Greets whom it is told to";
            license = pkgs.lib.licenses.mit;
            mainProgram = "greet";
          };
        });
      };

      apps.${system}.default = {
        type = "app";
        program = "${self.packages.${system}.greet}/bin/greet";
        meta.description = "Greets whom it is told to";
      };

      checks.${system}.greets = pkgs.runCommand "greets" { nativeBuildInputs = [ self.packages.${system}.greet ]; } ''
        [[ $(greet floe) == "Hello, floe!" ]]
        touch $out
      '';

      # What it takes to work on the package, and a debugger.
      devShells.${system}.default = pkgs.mkShell {
        inputsFrom = [ self.packages.${system}.greet ];
        packages = [ pkgs.gdb ];
      };
    };
}
