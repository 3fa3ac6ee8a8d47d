{
  description = "Debian's packages as derivations, with a standard environment: the package set that floe brings along";

  # Where packages are downloaded from: a folder whose files `debian` and `npm` hold the addresses of a Debian mirror and of an npm registry.
  # floe resolves "mirror://debian" and "mirror://npm" through its own settings; with another Nix, name them:
  # --override-input debpkgs/mirror path:/folder/with/those/files
  inputs.mirror = {
    url = "path:./mirror";
    flake = false;
  };

  outputs = { self, mirror }:
    let
      system = "x86_64-linux";
      address = kind: builtins.head (builtins.match "[ \n]*([^ \n]+)[ \n]*" (builtins.readFile "${mirror}/${kind}"));
      set = import ./. {
        inherit system;
        mirror = address "debian";
        # without one, packages of npm come from where their lock file says
        npmMirror = if builtins.pathExists "${mirror}/npm" then address "npm" else null;
        config = if builtins.pathExists "${mirror}/crates" then { crateAddress = address "crates"; } else { };
      };
      pick = names: set.lib.genAttrs names (name: set.all.${name});
    in
    {
      inherit (set) lib;

      # The curated and tested packages; every Debian package and all functions are in legacyPackages.
      packages.${system} = pick [
        "autoconf" "automake" "bash" "binutils" "bzip2" "cacert" "cargo" "cmake" "coreutils" "curl" "diffutils" "esbuild" "ffmpeg" "file"
        "findutils" "fish" "gawk" "gcc" "gdb" "git" "glibcLocales" "gnugrep" "gnumake" "gnupatch" "gnused" "gnutar" "go" "graphviz" "gzip"
        "imagemagick" "jdk" "jq" "less" "libtool" "lua" "meson" "nginx" "ninja" "nodejs" "nodejs_26" "openssl" "pandoc" "patchelf" "perl"
        "php" "pkg-config" "postgresql" "prettier" "python3" "redis" "ripgrep" "ruby" "rustc" "shellcheck" "sqlite" "strace" "tmux"
        "typescript" "tzdata" "unzip" "valgrind" "which" "xz" "zip" "zsh" "zstd"
      ];

      legacyPackages = {
        ${system} = set.all;
      } // set.lib.genAttrs [ "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (system: (import ./. { inherit system; }).all);

      # The whole set beside the packages of another one, as `debpkgs`.
      overlays.default = final: previous: { debpkgs = set.all; };

      devShells.${system}.default = set.own.mkShell { packages = [ set.own.python3 ]; };
    };
}
