{
  description = "Several inputs that share one package set";

  inputs = {
    debpkgs.url = "debpkgs";

    # Each brings a package set of its own; here both take ours, so that there is one of it in the lock file and in the store.
    words.url = "path:./words";
    words.inputs.debpkgs.follows = "debpkgs";

    shout.url = "path:./shout";
    shout.inputs.debpkgs.follows = "debpkgs";
    # An input of an input: the words that shout uses are ours too.
    shout.inputs.words.follows = "words";

    # A tree that is no flake.
    poem = {
      url = "path:./poem.txt";
      flake = false;
    };
  };

  outputs = { self, debpkgs, words, shout, poem }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      packages.${system}.default = pkgs.runCommand "poem" { nativeBuildInputs = [ shout.packages.${system}.default ]; } ''
        shout < ${poem} > $out
      '';

      # One package set, whichever way one comes to it.
      checks.${system}.one-set = assert shout.inputs.words.inputs.debpkgs == debpkgs; self.packages.${system}.default;

      lib.greeting = words.lib.join [ "hello" "from" "an" "input" ];

      devShells.${system}.default = pkgs.mkShell { packages = [ shout.packages.${system}.default ]; };
    };
}
