{
  description = "A program that shouts what it reads";

  inputs.debpkgs.url = "debpkgs";
  inputs.words.url = "path:../words";

  outputs = { self, debpkgs, words }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      packages.${system}.default = pkgs.writeShellApplication {
        name = "shout";
        runtimeInputs = [ pkgs.coreutils ];
        text = ''
          tr '[:lower:]' '[:upper:]'
          echo "${words.lib.join [ "--" "shouted" ]}"
        '';
      };
    };
}
