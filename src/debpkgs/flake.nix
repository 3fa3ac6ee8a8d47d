{
  description = "Debian's packages as derivations, with a standard environment: the package set that floe brings along";

  # Where .debs are downloaded from: a folder whose file `debian` holds the address of a mirror. floe resolves "mirror://debian" through
  # its own settings; with another Nix, name one: --override-input debpkgs/mirror path:/folder/with/that/file
  inputs.mirror = {
    url = "path:./mirror";
    flake = false;
  };

  outputs = { self, mirror }:
    let
      system = "x86_64-linux";
      set = import ./. {
        inherit system;
        mirror = builtins.head (builtins.match "[ \n]*([^ \n]+)[ \n]*" (builtins.readFile "${mirror}/debian"));
      };
      pick = names: set.lib.genAttrs names (name: set.own.${name} or (set.debian.package name));
    in
    {
      inherit (set) lib;

      # The curated and tested packages; every Debian package and all functions are in legacyPackages.
      packages.${system} = pick [
        "bash" "binutils" "bzip2" "cacert" "coreutils" "curl" "diffutils" "file" "findutils" "gawk" "gcc" "git" "gnugrep" "gnumake" "gnupatch" "gnused"
        "gnutar" "gzip" "jq" "less" "patchelf" "perl" "pkg-config" "python3" "ripgrep" "unzip" "which" "xz" "zip" "zstd"
      ];

      legacyPackages = {
        ${system} = set.all;
      } // set.lib.genAttrs [ "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (system: (import ./. { inherit system; }).all);

      devShells.${system}.default = set.own.mkShell { packages = [ set.own.python3 ]; };
    };
}
