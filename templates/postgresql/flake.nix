{
  description = "A project with a PostgreSQL server of its own";

  inputs.debpkgs.url = "debpkgs";

  outputs = { self, debpkgs }:
    let
      system = "x86_64-linux";
      pkgs = debpkgs.legacyPackages.${system};
      inherit (pkgs) postgresql;

      # The server's files and its socket are in ./.postgres (or $PGDATA), so every checkout has its own and nothing is installed.
      database = pkgs.writeShellApplication {
        name = "database";
        runtimeInputs = [ postgresql pkgs.coreutils ];
        text = ''
          export PGDATA=''${PGDATA:-$PWD/.postgres}
          export PGHOST=''${PGHOST:-$PGDATA}
          case ''${1:-} in
            start)
              if [[ ! -e $PGDATA/PG_VERSION ]]; then
                initdb --username=postgres --auth=trust --no-locale --encoding=UTF8 > /dev/null
                echo "listen_addresses = '''" >> "$PGDATA/postgresql.conf"
              fi
              pg_ctl --wait --log="$PGDATA/log" --options="-k '$PGHOST'" start
              for file in ${./schema}/*.sql; do psql --quiet --username=postgres --file="$file"; done
              ;;
            stop) pg_ctl --wait --mode=fast stop ;;
            sql) shift; psql --username=postgres "$@" ;;
            *) echo "usage: database start | stop | sql [psql's arguments]" >&2; exit 2 ;;
          esac
        '';
      };
    in
    {
      packages.${system}.default = database;

      checks.${system}.schema = pkgs.runCommand "schema" { nativeBuildInputs = [ database ]; } ''
        export PGDATA=$PWD/data
        database start
        database sql -c "insert into bird (name) values ('snow goose')"
        [[ $(database sql -tA -c "select count(*) from bird") == 1 ]]
        database stop
        touch $out
      '';

      devShells.${system}.default = pkgs.mkShell {
        packages = [ database postgresql ];
        shellHook = ''
          export PGDATA=$PWD/.postgres PGHOST=$PWD/.postgres PGUSER=postgres
          echo "database start | stop | sql"
        '';
      };
    };
}
