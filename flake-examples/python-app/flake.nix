{
  description = "A Python program with modules, as a package";

  inputs.debpkgs.url = "path:../../src/debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
      # Debian's python3-yaml and python3-jinja2
      python = pkgs.python3.withPackages (ps: [ ps.yaml ps.jinja2 ]);
    in
    {
      packages.${system}.default = pkgs.stdenv.mkDerivation {
        pname = "tally";
        version = "1.0";
        src = ./.;
        nativeBuildInputs = [ pkgs.makeWrapper python ];
        doCheck = true;
        checkPhase = "PYTHONPATH=src python3 -m unittest discover -s tests";
        installPhase = ''
          mkdir -p $out/lib
          cp -r src/tally $out/lib/
          makeWrapper ${python}/bin/python3 $out/bin/tally --add-flags "-m tally.main" --prefix PYTHONPATH : $out/lib
        '';
        meta.mainProgram = "tally";
      };

      devShells.${system}.default = pkgs.mkShell {
        packages = [ python ];
        shellHook = "export PYTHONPATH=$PWD/src\${PYTHONPATH:+:$PYTHONPATH}";
      };
    };
}
