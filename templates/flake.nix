{
  description = "Beginnings of projects: floe flake init -t templates#c";

  outputs = { self }: {
    templates = rec {
      default = {
        path = ./default;
        description = "A development shell with the tools you name";
        welcomeText = ''
          # A development shell
          Name your tools in flake.nix (any Debian package: `packages = [ pkgs.ripgrep ]`), then `floe develop`.
        '';
      };
      c = {
        path = ./c;
        description = "A C program: shell, package, app and check";
        welcomeText = ''
          # A C program
          `floe develop` enters its shell, `floe run` builds and starts it, `floe flake check` tries it.
        '';
      };
      cpp = {
        path = ./cpp;
        description = "A C++ library and program with CMake and tests";
        welcomeText = ''
          # C++ with CMake
          `floe run . -- 1996` builds, tests and starts it; in `floe develop`: `cmake -B build -G Ninja && ninja -C build`.
        '';
      };
      node = {
        path = ./node;
        description = "A TypeScript program on Node.js, from its package-lock.json";
        welcomeText = ''
          # Node.js and TypeScript
          `floe run . -- some words` checks, tests, bundles and starts it; in `floe develop` node_modules is there at once.
        '';
      };
      python = {
        path = ./python;
        description = "Python with modules from Debian";
        welcomeText = ''
          # Python
          Name modules in flake.nix; `floe develop -c python3 main.py` runs the example.
        '';
      };
      go = {
        path = ./go;
        description = "An HTTP service in Go";
        welcomeText = ''
          # A service in Go
          `floe run` starts it, `floe develop -c go test ./...` tests it, `floe flake check` asks the running service.
        '';
      };
      inputs = {
        path = ./inputs;
        description = "Several inputs that share one package set by `follows`";
        welcomeText = ''
          # Several inputs
          `floe flake metadata` shows the tree of inputs, `floe build` uses them.
        '';
      };
      monorepo = {
        path = ./monorepo;
        description = "A repository of several flakes, and one above them";
        welcomeText = ''
          # A monorepo
          `floe build` makes everything, `floe build ./packages/core` one of them, `floe flake check` tries them together.
        '';
      };
      postgresql = {
        path = ./postgresql;
        description = "A project with a PostgreSQL server of its own";
        welcomeText = ''
          # A PostgreSQL server for this project
          `floe run . -- start`, `floe run . -- sql`, `floe run . -- stop`; its files are in .postgres.
        '';
      };
    };
    defaultTemplate = self.templates.default;
  };
}
