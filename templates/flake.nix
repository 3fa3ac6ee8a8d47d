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
      python = {
        path = ./python;
        description = "Python with modules from Debian";
        welcomeText = ''
          # Python
          Name modules in flake.nix; `floe develop -c python3 main.py` runs the example.
        '';
      };
    };
    defaultTemplate = self.templates.default;
  };
}
