# Uses of the curated packages, one attribute each: a build that does with a package what one has it for, with nothing of the machine
# visible. `light` is part of the usual tests; `heavy` downloads more or takes longer (see packages.test.ts). Arguments: those of the set.
{ ... }@args:
let
  set = import ../../../../src/debpkgs args;
  pkgs = set.all;
  inherit (pkgs) lib runCommand runCommandCC;

  use = packages: runCommand "use" { nativeBuildInputs = packages; };
  useCC = packages: runCommandCC "use" { nativeBuildInputs = packages; };
  named = lib.mapAttrs (name: drv: drv.overrideAttrs { name = "use-${name}"; });

  # A C program that calls a library, compiled by hand and with what pkg-config says.
  library = package: module: source: runCommandCC "use" { buildInputs = [ package ]; nativeBuildInputs = [ pkgs.pkg-config ]; } ''
    cat > a.c <<'END'
    ${source}
    END
    pkg-config --exists --print-errors ${module}
    gcc a.c $(pkg-config --cflags --libs ${module}) -o a
    ./a
    env -i ./a > $out
  '';

  source = lib.mapAttrs builtins.toFile {
    "main.c" = ''
      #include <stdio.h>
      int main(void) { puts("forty-two"); return 0; }
    '';
    "numbers.json" = ''{"numbers":[1,2,39]}'';
  };
in
{
  light = named {
    meson = useCC [ pkgs.meson pkgs.ninja pkgs.pkg-config pkgs.zlib ] ''
      printf "%s\n" "project('z', 'c', version: '1')" "executable('z', 'z.c', dependencies: dependency('zlib'), install: true)" \
        "test('runs', executable('t', 'z.c', dependencies: dependency('zlib')))" > meson.build
      printf '#include <zlib.h>\nint main(void) { return zlibVersion()[0] != 49; }\n' > z.c
      meson setup build --prefix=$out
      ninja -C build
      meson test -C build
      ninja -C build install
      $out/bin/z
    '';

    perl = use [ pkgs.perl pkgs.libxml-parser-perl ] ''
      perl -MXML::Parser -MEncode -MTime::HiRes -MStorable -MSocket -e '
        my $words = 0;
        XML::Parser->new(Handlers => { Start => sub { $words++ } })->parse("<a><b/><b/></a>");
        die $words unless $words == 3;
        print lc("ABC") =~ s/b/x/r, "\n"' > $out
      grep -qx axc $out
      printf "=head1 NAME\n\nx - y\n" > a.pod
      pod2text a.pod | grep -q "x - y"
    '';

    # pip, without a network: a wheel made here goes into an environment made here.
    python-pip = use [ (pkgs.python3.withPackages (ps: [ ps.pip ps.wheel ])) ] ''
      export HOME=$PWD
      mkdir -p source/answer
      printf 'def main():\n    print(42)\n' > source/answer/__init__.py
      printf '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "answer"\nversion = "1.0"\n[project.scripts]\nanswer = "answer:main"\n' > source/pyproject.toml
      pip wheel --no-index --no-deps --no-build-isolation --wheel-dir wheels ./source
      python3 -m venv env
      env/bin/pip install --no-index --find-links wheels answer
      [[ $(env/bin/answer) == 42 ]]
      env/bin/pip list | grep answer > $out
    '';

    nodejs = use [ pkgs.nodejs ] ''
      cat > server.mjs <<'END'
      import { createServer, get } from 'node:http';
      import { createHash } from 'node:crypto';
      import { gzipSync, gunzipSync } from 'node:zlib';
      import { execFileSync } from 'node:child_process';
      if (gunzipSync(gzipSync('x')).toString() !== 'x') throw new Error('zlib');
      if (new Intl.DateTimeFormat('de', { month: 'long' }).format(new Date(2020, 2)) !== 'März') throw new Error('icu');
      if (execFileSync('uname', ['-s']).toString().trim() !== 'Linux') throw new Error('spawn');
      const server = createServer((request, response) => response.end(createHash('sha256').update(request.url).digest('hex')));
      server.listen(0, '127.0.0.1', () => get({ port: server.address().port, path: '/x', host: '127.0.0.1' }, (response) => {
        response.on('data', (bytes) => console.log(bytes.toString()));
        response.on('end', () => server.close());
      }));
      END
      node server.mjs > $out
      grep -q '^[0-9a-f]\{64\}$' $out
    '';

    esbuild = use [ pkgs.esbuild ] ''
      echo 'export const answer: number = 42;' > a.ts
      echo 'import { answer } from "./a"; console.log(answer);' > b.ts
      esbuild --bundle --minify b.ts --outfile=$out
      grep -q 42 $out
    '';

    ruby = use [ pkgs.ruby ] ''
      export HOME=$PWD
      ruby -rjson -rdigest -ropenssl -rzlib -ryaml -rsocket -e 'puts JSON.parse(File.read(ARGV[0]))["numbers"].sum' ${source."numbers.json"} > $out
      grep -qx 42 $out
      printf 'task :default do\n  puts 6 * 7\nend\n' > Rakefile
      [[ $(rake) == 42 ]]
      echo '<%= 6 * 7 %>' | erb | grep -qx 42
      printf 'Gem::Specification.new { |s| s.name = "a"; s.version = "1"; s.summary = "s"; s.authors = ["x"]; s.files = ["lib/a.rb"] }\n' > a.gemspec
      mkdir lib; echo 'puts 42' > lib/a.rb
      gem build a.gemspec
      GEM_HOME=$PWD/gems gem install --local a-1.gem
      [[ $(GEM_HOME=$PWD/gems ruby -e 'require "a"') == 42 ]]
    '';

    lua = useCC [ pkgs.lua ] ''
      echo 'local t = {} for w in ("a b c"):gmatch("%a") do t[#t + 1] = w:upper() end print(table.concat(t))' > a.lua
      lua a.lua > $out
      grep -qx ABC $out
      luac -o a.out a.lua && [[ $(lua a.out) == ABC ]]
    '';

    sqlite = use [ pkgs.sqlite ] ''
      sqlite3 a.db 'create table t(n, s); insert into t values (42, "x"); create virtual table f using fts5(s); insert into f values ("some words");'
      sqlite3 -json a.db 'select n, json_object("k", t.s) as j from t, f where f.s match "words"' > $out
      grep -q '"n":42' $out
    '';

    redis = use [ pkgs.redis ] ''
      redis-server --port 0 --unixsocket $PWD/socket --dir $PWD --daemonize yes --appendonly yes
      for try in 1 2 3 4 5 6 7 8 9 10; do redis-cli -s socket ping && break; sleep 0.2; done
      redis-cli -s socket set answer 42
      redis-cli -s socket eval 'return redis.call("get", KEYS[1])' 1 answer > $out
      redis-cli -s socket shutdown
      grep -qx 42 $out
      [[ -d appendonlydir ]]
    '';

    nginx = use [ pkgs.nginx pkgs.curl ] ''
      mkdir -p site logs tmp
      echo '<p>served</p>' > site/index.html
      cat > nginx.conf <<END
      daemon on; pid $PWD/pid; error_log $PWD/error.log;
      events { }
      http {
        include ${pkgs.nginx}/conf/mime.types;
        access_log off;
        client_body_temp_path $PWD/tmp/a; proxy_temp_path $PWD/tmp/b; fastcgi_temp_path $PWD/tmp/c; uwsgi_temp_path $PWD/tmp/d; scgi_temp_path $PWD/tmp/e;
        gzip on; gzip_types text/html; gzip_min_length 1;
        server { listen unix:$PWD/socket; root $PWD/site; location /sub { proxy_pass http://unix:$PWD/socket:/; } }
      }
      END
      nginx -p $PWD -e $PWD/error.log -c $PWD/nginx.conf
      curl -sSf --unix-socket socket -D headers http://localhost/sub > $out
      nginx -p $PWD -e $PWD/error.log -c $PWD/nginx.conf -s stop
      grep -q served $out
      grep -qi 'content-type: text/html' headers
    '';

    curl = use [ pkgs.curl pkgs.cacert pkgs.python3 pkgs.openssl ] ''
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2
      mkdir site; echo fetched > site/file
      cat > serve.py <<'END'
      import http.server, ssl, os, pathlib
      server = http.server.HTTPServer(("127.0.0.1", 0), lambda *a: http.server.SimpleHTTPRequestHandler(*a, directory="site"))
      context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
      context.load_cert_chain("cert.pem", "key.pem")
      server.socket = context.wrap_socket(server.socket, server_side=True)
      pathlib.Path("port.new").write_text(str(server.server_port)); os.rename("port.new", "port")
      server.serve_forever()
      END
      python3 serve.py & server=$!
      for try in $(seq 50); do [[ -e port ]] && break; sleep 0.1; done
      curl -sSf --compressed --cacert cert.pem https://localhost:$(cat port)/file > $out
      if curl -sSf https://localhost:$(cat port)/file 2> refused; then exit 1; fi
      grep -q certificate refused
      kill $server
      grep -qx fetched $out
      curl --version | grep -q HTTP2
      openssl x509 -in $SSL_CERT_FILE -noout -subject
    '';

    git = use [ pkgs.git ] ''
      export HOME=$PWD
      git config --global user.name n
      git config --global user.email e@example.org
      git init -q -b main a
      cd a
      printf '1\n2\n3\n' > f; git add f; git commit -qm one
      git switch -qc side; printf '0\n1\n2\n3\n' > f; git commit -qam side
      git switch -q main; printf '1\n2\n3\n4\n' > f; git commit -qam main
      git merge -q -m merged side
      GIT_SEQUENCE_EDITOR=true git rebase -q -i HEAD~1
      cd ..
      git clone -q file://$PWD/a b
      git -C b submodule --quiet add file://$PWD/a sub 2> /dev/null || git -C b -c protocol.file.allow=always submodule --quiet add file://$PWD/a sub
      git -C b fsck
      git -C b gc -q
      git -C b archive HEAD f | tar xO f > $out
      printf '0\n1\n2\n3\n4\n' | cmp - $out
    '';

    text-tools = use [ pkgs.ripgrep pkgs.jq pkgs.fd ] ''
      [[ $(jq '.numbers | add' ${source."numbers.json"}) == 42 ]]
      mkdir -p a/.git; printf 'x.log\n' > a/.gitignore; echo needle > a/y.txt; echo needle > a/x.log
      [[ $(cd a && rg -l --pcre2 'n(?=ee)') == y.txt ]]
      [[ $(fd -e txt . a) == a/y.txt ]]
      jq -n '"2024-01-02T03:04:05Z" | fromdate | strftime("%Y")' > $out
      grep -q 2024 $out
    '';

    # A server, a window, keys typed into it and the screen read back; UTF-8 is the C library's own C.UTF-8.
    tmux = use [ pkgs.tmux pkgs.ncurses ] ''
      export HOME=$PWD TMUX_TMPDIR=$PWD LC_ALL=C.UTF-8 TERM=xterm-256color
      tmux -f /dev/null new-session -d -x 60 -y 10 "$SHELL --norc"
      tmux send-keys 'echo ä$((6*7))$TERM' Enter
      for try in $(seq 50); do tmux capture-pane -p | grep -q '^ä42' && break; sleep 0.1; done
      tmux capture-pane -p > screen
      tmux kill-server
      grep -x 'ä42\(tmux\|screen\).*' screen > $out
    '';

    zsh = use [ pkgs.zsh ] ''
      export HOME=$PWD
      cat > a.zsh <<'END'
      autoload -Uz compinit is-at-least zmv
      zmodload zsh/datetime zsh/stat zsh/zutil zsh/mathfunc zsh/zpty
      compinit -u -d $HOME/dump
      is-at-least 5.0
      typeset -A t=(a 1 b 2)
      print ''${(kj:,:)t} ''${(U)$(echo x)} $(( int(sqrt(1764)) ))
      END
      zsh -f a.zsh > $out
      grep -x 'a,b X 42' $out
    '';

    fish = use [ pkgs.fish ] ''
      export HOME=$PWD
      cat > a.fish <<'END'
      set -l words (string split , a,b,c)
      echo (string join - $words[-1..1]) (math 6 x 7)
      complete -C 'string sp' | string match -q 'split*'; or exit 1
      type -q fish_config; and functions -q fish_prompt; or exit 1
      END
      fish a.fish > $out
      grep -x 'c-b-a 42' $out
    '';

    strace = use [ pkgs.strace ] ''
      if ! strace -o trace true 2> error; then
        # where the machine forbids tracing
        grep -q 'not permitted' error
        echo "execve(" > trace
      fi
      grep -m1 -o 'execve(' trace > $out
    '';

    graphviz = use [ pkgs.graphviz ] ''
      export HOME=$PWD
      echo 'digraph g { rankdir=LR; "a ä" -> b [label=to]; b -> c; }' > g.dot
      dot -Tsvg g.dot > g.svg
      grep -q '<svg' g.svg
      dot -Tpng g.dot > g.png
      [[ $(head -c 4 g.png | tail -c 3) == PNG ]]
      dot -Tpdf g.dot > g.pdf
      [[ $(head -c 4 g.pdf) == %PDF ]]
      for program in neato fdp circo twopi; do $program -Tplain g.dot | grep -x stop; done
      gvpr 'N { print($.name) }' g.dot | sort > $out
      grep -qx c $out
    '';

    shellcheck = use [ pkgs.shellcheck ] ''
      printf '#!/bin/sh\nfor f in $(ls); do echo $f; done\n' > a.sh
      if shellcheck a.sh > found; then exit 1; fi
      grep -q SC2086 found
      printf '#!/bin/sh\necho "$1"\n' > b.sh
      shellcheck b.sh > $out
    '';

    zlib = library pkgs.zlib "zlib" ''
      #include <zlib.h>
      #include <stdio.h>
      int main(void) { printf("%lu\n", crc32(0, (const Bytef *)"x", 1)); return 0; }
    '';
    openssl = library pkgs.openssl "libssl libcrypto" ''
      #include <openssl/ssl.h>
      #include <openssl/evp.h>
      #include <stdio.h>
      int main(void) {
        unsigned char out[64]; unsigned int n = 0;
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        EVP_Digest("x", 1, out, &n, EVP_sha256(), NULL);
        EVP_MD *legacy = EVP_MD_fetch(NULL, "SHA3-256", NULL);
        printf("%d %02x\n", context != NULL && legacy != NULL, out[0]);
        return n != 32;
      }
    '';
    libsqlite = library pkgs.sqlite "sqlite3" ''
      #include <sqlite3.h>
      #include <stdio.h>
      static int row(void *x, int n, char **values, char **names) { puts(values[0]); return 0; }
      int main(void) { sqlite3 *db; return sqlite3_open(":memory:", &db) || sqlite3_exec(db, "select 6*7", row, NULL, NULL); }
    '';
    libxml2 = library pkgs.libxml2 "libxml-2.0" ''
      #include <libxml/parser.h>
      #include <libxml/xpath.h>
      #include <stdio.h>
      int main(void) {
        xmlDocPtr doc = xmlReadMemory("<a><b>42</b></a>", 16, "x", NULL, 0);
        xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)"string(//b)", xmlXPathNewContext(doc));
        puts((const char *)found->stringval);
        return 0;
      }
    '';
    # Terminal descriptions of the package itself: TERM names one that the machine need not have.
    ncurses = library pkgs.ncurses "ncursesw" ''
      #include <curses.h>
      #include <term.h>
      #include <stdio.h>
      int main(void) { int error; if (setupterm("screen-256color", 1, &error) != OK) return 2; printf("%d\n", tigetnum("colors")); return 0; }
    '';

    # Locales, time zones, terminal descriptions and message catalogues' absence.
    data = use [ pkgs.glibcLocales pkgs.tzdata pkgs.ncurses ] ''
      [[ $(LC_ALL=C.UTF-8 bash -c 'x=ä; echo ''${#x}') == 1 ]]
      [[ $(LC_ALL=en_US.UTF-8 bash -c 'x=ä; echo ''${#x}') == 1 ]]
      [[ $(printf 'b\nä\na\n' | LC_ALL=de_DE.UTF-8 sort | tr -d '\n') == aäb ]]
      [[ $(LC_ALL=de_DE.UTF-8 date -u -d 2020-03-01 +%B) == März ]]
      [[ $(TZ=Europe/Berlin date -d @0 +%H:%M) == 01:00 ]]
      [[ $(TZ=America/New_York date -d @1600000000 +%Z) == EDT ]]
      [[ $(TERM=xterm-256color tput colors) == 256 ]]
      [[ $(TERM=tmux tput colors) == 8 ]]
      infocmp xterm > $out
    '';

    autoreconf = pkgs.stdenv.mkDerivation {
      name = "x";
      nativeBuildInputs = [ pkgs.autoreconfHook pkgs.pkg-config ];
      buildInputs = [ pkgs.zlib ];
      src = builtins.path { path = ./autotools; name = "source"; };
      doCheck = true;
    };

    # The phases that cmake, meson and ninja bring along, as in nixpkgs.
    cmake-hook = pkgs.stdenv.mkDerivation {
      name = "x";
      nativeBuildInputs = [ pkgs.cmake pkgs.ninja ];
      buildInputs = [ pkgs.zlib ];
      src = builtins.path { path = ./cmake; name = "source"; };
      cmakeFlags = [ "-DGREETING=hallo" ];
      doCheck = true;
      doInstallCheck = true;
      installCheckPhase = "[[ $($out/bin/greet) == hallo ]]";
    };
    meson-hook = pkgs.stdenv.mkDerivation {
      name = "x";
      nativeBuildInputs = [ pkgs.meson pkgs.ninja pkgs.pkg-config ];
      buildInputs = [ pkgs.zlib ];
      src = builtins.path { path = ./meson; name = "source"; };
      mesonFlags = [ "-Dgreeting=hallo" ];
      doCheck = true;
      doInstallCheck = true;
      installCheckPhase = "[[ $($out/bin/greet) == hallo ]]";
    };
  };

  heavy = named {
    npm = use [ pkgs.nodejs pkgs.npm ] ''
      export HOME=$PWD
      mkdir -p lib app
      echo '{"name":"lib","version":"1.0.0","main":"i.js","bin":{"say":"say.js"}}' > lib/package.json
      echo 'module.exports = 42' > lib/i.js
      printf '#!/usr/bin/env node\nconsole.log(require("./i"))\n' > lib/say.js
      (cd lib && npm pack)
      cd app
      echo '{"name":"app","version":"1.0.0","scripts":{"start":"node node_modules/.bin/say"}}' > package.json
      npm install --offline --no-audit --no-fund ../lib/lib-1.0.0.tgz
      npm run --silent start > $out || { npm run start; exit 1; }
      grep -qx 42 $out
    '';

    typescript = use [ pkgs.typescript pkgs.nodejs ] ''
      cat > a.ts <<'END'
      interface Point { readonly x: number }
      const p: Point = { x: 42 };
      console.log(p.x, [1, 2].at(-1), new Map([[1, Promise.resolve(2)]]).size);
      END
      tsc --strict --target es2022 --module commonjs --outDir built a.ts
      node built/a.js > $out
      echo 'const n: number = "x";' > b.ts
      if tsc --noEmit b.ts > errors; then exit 1; fi
      grep -q TS2322 errors
    '';

    go = use [ pkgs.go ] ''
      export HOME=$PWD GOFLAGS=-mod=mod GOPROXY=off CGO_ENABLED=0
      mkdir -p app/words && cd app
      printf 'module example.org/app\n\ngo 1.19\n' > go.mod
      printf 'package words\n\nfunc Twice(n int) int { return 2 * n }\n' > words/words.go
      printf 'package words\n\nimport "testing"\n\nfunc TestTwice(t *testing.T) {\n\tif Twice(21) != 42 {\n\t\tt.Fatal()\n\t}\n}\n' > words/words_test.go
      printf 'package main\n\nimport (\n\t"fmt"\n\t"net/http"\n\n\t"example.org/app/words"\n)\n\nfunc main() { fmt.Println(words.Twice(21), http.StatusOK) }\n' > main.go
      gofmt -l . | { ! grep .; }
      go vet ./...
      go test ./...
      go build -o app .
      ./app > $out
    '';

    go-cgo = useCC [ pkgs.go ] ''
      export HOME=$PWD
      mkdir a && cd a
      printf 'module a\n\ngo 1.19\n' > go.mod
      printf 'package main\n\n// static int twice(int n) { return 2 * n; }\nimport "C"\nimport "fmt"\nimport _ "net"\n\nfunc main() { fmt.Println(C.twice(21)) }\n' > a.go
      go build -o a . && ./a > $out
      grep -qx 42 $out
    '';

    rust = useCC [ pkgs.cargo pkgs.rustc ] ''
      export HOME=$PWD CARGO_HOME=$PWD/.cargo
      mkdir -p app/src app/inner/src app/src && cd app
      printf '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\ninner = { path = "inner" }\n[profile.dev]\ndebug = false\n' > Cargo.toml
      printf '[package]\nname = "inner"\nversion = "0.1.0"\nedition = "2021"\n[lib]\nproc-macro = true\n' > inner/Cargo.toml
      printf 'use proc_macro::TokenStream;\n#[proc_macro]\npub fn answer(_: TokenStream) -> TokenStream { "42".parse().unwrap() }\n' > inner/src/lib.rs
      printf 'fn main() { let v: Vec<i32> = std::thread::spawn(|| vec![inner::answer!()]).join().unwrap(); println!("{}", v[0]); }\n#[test]\nfn t() { assert_eq!(inner::answer!(), 42) }\n' > src/main.rs
      printf 'fn main() { println!("cargo:rerun-if-changed=build.rs"); }\n' > build.rs
      cargo build --offline
      cargo test --offline
      ./target/debug/app > $out
      grep -qx 42 $out
    '';

    openjdk = use [ pkgs.jdk ] ''
      mkdir -p src/app
      cat > src/app/Main.java <<'END'
      package app;
      import java.nio.charset.StandardCharsets;
      import java.security.MessageDigest;
      import java.time.*;
      import java.util.stream.*;
      public class Main {
        record Point(int x, int y) { }
        public static void main(String[] words) throws Exception {
          MessageDigest.getInstance("SHA-256").digest("x".getBytes(StandardCharsets.UTF_8));
          javax.net.ssl.SSLContext.getDefault().createSSLEngine();
          java.security.KeyStore trusted = java.security.KeyStore.getInstance(new java.io.File(System.getProperty("java.home") + "/lib/security/cacerts"), "changeit".toCharArray());
          if (trusted.size() < 100) throw new Error("trusts " + trusted.size());
          var managers = javax.net.ssl.TrustManagerFactory.getInstance("PKIX");
          managers.init((java.security.KeyStore) null);
          if (((javax.net.ssl.X509TrustManager) managers.getTrustManagers()[0]).getAcceptedIssuers().length < 100) throw new Error();
          if (ZonedDateTime.ofInstant(Instant.EPOCH, ZoneId.of("Europe/Berlin")).getHour() != 1) throw new Error();
          System.out.println(Stream.of(new Point(20, 1), new Point(21, 0)).mapToInt(p -> p.x() + p.y()).sum());
        }
      }
      END
      javac -d classes src/app/Main.java
      jar --create --file app.jar --main-class app.Main -C classes .
      java -jar app.jar > $out
      grep -qx 42 $out
      [[ -e $JAVA_HOME/bin/javac ]]
    '';

    php = use [ pkgs.php pkgs.curl ] ''
      echo '<?php header("X-A: 1"); echo json_encode(["n" => array_sum([1, 2, 39]), "u" => preg_match("/^\p{L}$/u", "ä"), "s" => (new PDO("sqlite::memory:"))->query("select 1")->fetchColumn(), "m" => mb_strtoupper("ä")]);' > a.php
      php a.php > $out
      grep -q '"n":42,"u":1' $out
      php -m
    '';

    postgresql = use [ pkgs.postgresql ] ''
      export PGDATA=$PWD/data PGHOST=$PWD
      initdb --locale=C.UTF-8 --encoding=UTF8 --no-sync
      pg_ctl -w -o "-k $PWD -c listen_addresses=" -l log start || { cat log; exit 1; }
      createdb test
      psql -d test -v ON_ERROR_STOP=1 -c "create extension pgcrypto; create extension hstore; create table t(n int, at timestamptz); insert into t values (42, '2020-07-01 12:00+00')"
      psql -d test -v ON_ERROR_STOP=1 -c "create function f(x int) returns int language plpgsql as 'begin return x + 1; end'"
      psql -At -d test -v ON_ERROR_STOP=1 -c "select n, f(n), at at time zone 'Europe/Berlin', upper('ä') from t" | tee $out
      grep -qx '42|43|2020-07-01 14:00:00|Ä' $out
      pg_dump test > dump.sql
      pg_ctl -w -m fast stop
    '';

    gdb = useCC [ pkgs.gdb ] ''
      export HOME=$PWD
      gcc -g ${source."main.c"} -o a
      gdb -batch -ex 'info line main' -ex 'python print(6 * 7)' -ex 'python import gdb.types' a > found
      grep -qx 42 found
      gdb -batch -ex 'break main' -ex run -ex backtrace a > run 2>&1 || true
      grep -q 'main ()\|not permitted\|ptrace' run || { cat run; exit 1; }
      cp found $out
    '';

    valgrind = useCC [ pkgs.valgrind ] ''
      printf '#include <stdlib.h>\nint main(void) { volatile char *p = malloc(4); return p[4] == 7; }\n' > a.c
      gcc -g a.c -o a
      valgrind --error-exitcode=7 --leak-check=full ./a 2> found && exit 1
      grep -q 'Invalid read' found || { cat found; exit 1; }
      grep -q 'definitely lost' found
      gcc -g ${source."main.c"} -o b
      valgrind --error-exitcode=7 -q ./b > $out
    '';

    imagemagick = use [ pkgs.imagemagick ] ''
      export HOME=$PWD
      convert -size 60x20 gradient:red-blue -bordercolor white -border 2 a.png
      convert a.png -resize 50% b.jpg
      convert a.png b.jpg +append c.webp
      convert a.png d.tiff && convert d.tiff e.gif
      convert -font DejaVu-Sans -pointsize 12 label:text t.png
      identify -format '%m %wx%h\n' a.png b.jpg c.webp d.tiff e.gif t.png > $out
      [[ $(head -n 2 $out | tr '\n' ' ') == 'PNG 64x24 JPEG 32x12 ' ]]
    '';

    ffmpeg = use [ pkgs.ffmpeg ] ''
      export HOME=$PWD
      ffmpeg -v error -f lavfi -i testsrc=duration=1:size=64x48:rate=10 -f lavfi -i sine=duration=1 -c:v libx264 -c:a aac a.mp4
      ffmpeg -v error -i a.mp4 -vf scale=32:-2 -c:v libvpx-vp9 -c:a libopus b.webm
      ffprobe -v error -show_entries stream=codec_name,width -of csv=p=0 b.webm > $out
      grep -q 'vp9,32' $out && grep -q opus $out
    '';

    pandoc = use [ pkgs.pandoc ] ''
      export HOME=$PWD
      printf -- '---\ntitle: A\n---\n# Head\n\nSome *text*, $x^2$.\n\n```python\nprint(1)\n```\n' > a.md
      pandoc -s a.md -o a.html && grep -q '<em>text</em>' a.html
      pandoc a.md -o a.docx && pandoc a.docx -t markdown > $out
      grep -q '\*text\*' $out
      pandoc -s a.md -t latex | grep -q documentclass
      pandoc a.md -o a.epub
    '';
  };
}
