{
  description = "An HTTP service in Go";

  inputs.debpkgs.url = "debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
    in
    {
      packages.${system}.default = pkgs.stdenv.mkDerivation {
        pname = "clock";
        version = "1.0";
        src = ./.;
        nativeBuildInputs = [ pkgs.go ];
        # It needs nothing but Go's own library, so there is nothing to vendor.
        env = { CGO_ENABLED = "0"; GOFLAGS = "-trimpath"; GOPROXY = "off"; };
        configurePhase = "export GOCACHE=$TMPDIR/go-cache";
        buildPhase = "go build -o clock .";
        doCheck = true;
        checkPhase = "go test ./...";
        installPhase = "install -D clock $out/bin/clock";
        meta.mainProgram = "clock";
      };

      checks.${system}.answers = pkgs.runCommand "answers" { nativeBuildInputs = [ self.packages.${system}.default pkgs.curl ]; } ''
        clock -listen 127.0.0.1:8642 &
        for _ in {1..50}; do curl -s http://127.0.0.1:8642/zone/UTC > answer && break; sleep 0.1; done
        kill %1
        grep -q UTC answer
        touch $out
      '';

      devShells.${system}.default = pkgs.mkShell { packages = [ pkgs.go pkgs.curl ]; };
    };
}
