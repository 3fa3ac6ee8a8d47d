{
  description = "A TypeScript program: types checked, bundled, run by Node.js";

  inputs.debpkgs.url = "debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      packages.${system}.default = pkgs.buildNpmPackage {
        pname = "slug";
        version = "1.0.0";
        src = ./.;
        # Every package of package-lock.json becomes a fetch of its own, with the hash that the lock has.
        npmDeps = pkgs.importNpmLock { npmRoot = ./.; };
        npmConfigHook = pkgs.importNpmLock.npmConfigHook;
        doCheck = true;
        checkPhase = "npm test";
        meta.mainProgram = "slug";
      };

      # node_modules of the lock file are there at once: `npm ci` is not needed in here.
      devShells.${system}.default = pkgs.mkShell {
        packages = [ pkgs.nodejs_26 pkgs.importNpmLock.hooks.linkNodeModulesHook ];
        npmDeps = pkgs.importNpmLock.buildNodeModules { npmRoot = ./.; nodejs = pkgs.nodejs_26; };
      };
    };
}
