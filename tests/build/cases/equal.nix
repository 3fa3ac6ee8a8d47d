# Derivations whose outputs must have the same NAR hashes under floe and under C++ Nix with its sandbox on. `seed` is a folder with
# bin/busybox, a static program.
{ seed }:
let
  bb0 = builtins.path { path = seed; name = "seed"; };
  bb = "${bb0}/bin/busybox";
  run = name: attrs: script: derivation ({
    inherit name;
    system = "x86_64-linux";
    builder = bb;
    args = [ "sh" "-e" "-c" ''
      b=${bb}
      ${script}
    '' ];
  } // attrs);
  first = run "first" { } ''$b mkdir $out; echo one > $out/one; $b chmod 755 $out/one'';
in
rec {
  environment = run "environment" { some = "value"; "dash-ed.name" = "odd"; list = [ "a b" 1 true false null ]; quotes = "'\"$x\\"; utf8 = "grüße"; PATH = "/my/path"; HOME = "/me"; }
    ''$b mkdir $out; $b env | $b grep -v -E '^(SHLVL|_)=' | $b sort > $out/env; $b tr '\0' '\n' < /proc/1/environ | $b sort > $out/environ'';

  world = run "world" { } ''
    $b mkdir $out; cd $out
    $b id > id; $b hostname > hostname; $b cat /etc/passwd /etc/group /etc/hosts > etc; umask > umask; $b pwd > pwd
    ulimit -S -c > core; $b stat -c '%n %a %F %u %g' / /tmp /etc /etc/passwd /build /dev /dev/shm /proc ''${NIX_STORE} ${bb0} $out > modes
    $b stat -c '%n %t %T' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty > devices
    $b ls -a / > root; $b ls -a /etc > etcs; $b ls -a /build > build; for l in fd stdin stdout stderr; do $b readlink /dev/$l; done > links
    $b cat /proc/self/personality > personality; $b grep -E '^(CapEff|CapPrm|NoNewPrivs|Seccomp|Umask|Groups):' /proc/self/status > status
    $b ifconfig -a | $b grep -o -E 'lo |inet addr:[^ ]*|UP LOOPBACK RUNNING' > net
    echo $PPID $$ > pids
    $b touch f; $b chmod 4755 f 2>> refused || echo no >> refused; $b chmod 2755 f 2>> refused || echo no >> refused
    $b cat /proc/self/uid_map | $b awk '{ print $1, $3 }' > uids
    (echo x > ${bb0}/x) 2> /dev/null || echo inputs are read-only > readonly
    (echo x > /x) && echo root is writable > writable
  '';

  tree = run "tree" { } ''
    $b mkdir -p $out/a/b/empty "$out/with space" $out/deep/er; cd $out
    echo x > a/file; $b ln a/file a/hard; $b ln -s a/file link; $b ln -s /no/where dangling; $b ln -s $out/a self
    echo run > a/b/exec; $b chmod 777 a/b/exec; echo hidden > .hidden; $b chmod 600 .hidden
    printf 'bytes' > "with space/gr$(printf '\303\274')n"; printf 'latin' > "with space/gr$(printf '\374')n"
    $b chmod 500 a/b; $b chmod 000 deep/er; $b dd if=/dev/zero of=big bs=1024 count=700 2> /dev/null
    $b touch -d @86400 a/file
  '';

  outputs = run "outputs" { outputs = [ "out" "dev" "doc" ]; }
    ''$b mkdir $out $dev; echo "$dev and ${first}" > $out/refs; echo $doc > $dev/doc; echo text > $doc; $b ln -s $out $out/loop'';

  passed = run "passed" { passAsFile = [ "large" "other" ]; large = builtins.concatStringsSep "\n" (builtins.genList toString 5000); other = "x"; }
    ''$b mkdir $out; $b cp $largePath $out/large; $b basename $largePath > $out/names; $b basename $otherPath >> $out/names; $b ls -a > $out/ls; $b env | $b grep -c '^large=' > $out/count || true'';

  graph = run "graph" { exportReferencesGraph = [ "closure" outputs "drv" (builtins.unsafeDiscardOutputDependency outputs.drvPath) ]; }
    ''$b mkdir $out; $b cp closure drv $out/'';

  structured = derivation {
    name = "structured";
    system = "x86_64-linux";
    builder = bb;
    __structuredAttrs = true;
    outputs = [ "out" "lib" ];
    args = [ "sh" "-c" ''
      b=${bb}
      out=$($b sed -n 's/.*"out":"\([^"]*\)".*/\1/p' .attrs.json); lib=$($b sed -n 's/.*"lib":"\([^"]*\)".*/\1/p' .attrs.json)
      $b mkdir $out $lib; $b cp .attrs.json .attrs.sh $out/; $b env | $b grep -v -E '^(SHLVL|_)=' | $b sort > $out/env; $b ls -a > $out/ls; $b stat -c %a .attrs.sh > $out/mode
    '' ];
    string = "it's \"quoted\"\n\ttab"; integer = 42; negative = -7; large = 9223372036854775807; float = 1.5; whole = 2.0; tiny = 1.0e-10; huge = 1.0e30;
    yes = true; no = false; nothing = null; list = [ "a" 1 true null 2.0 ]; nested = [ [ 1 ] { a = 1; } ]; set = { a = "x"; b = 2; "c d" = "it's"; }; deep = { a = { b = 1; }; };
    empty = [ ]; emptySet = { }; "not-a-name" = 1; unicode = "grüße ☃"; dependency = first; control = "\r";
    exportReferencesGraph = { graph = [ outputs.out first ]; };
    outputChecks.out = { allowedReferences = [ "lib" bb0 first outputs.out outputs.dev outputs.doc "out" ]; maxSize = 1000000; };
  };

  flat = run "flat" { outputHashAlgo = "sha256"; outputHashMode = "flat"; outputHash = builtins.hashString "sha256" "content\n"; } ''echo content > $out'';
  md5 = run "md5" { outputHashAlgo = "md5"; outputHash = builtins.hashString "md5" "content\n"; } ''echo content > $out'';
  sha512 = run "sha512" { outputHashAlgo = "sha512"; outputHash = builtins.hashString "sha512" "content\n"; } ''echo content > $out'';
  recursive = run "recursive" { outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = "0sgcshys2x0f7j8f1a0n36wdnx6dv8cy9pgygdf2p4fm4rb3vl0i"; } ''$b mkdir $out; echo content > $out/f'';
  sha1tree = run "sha1tree" { outputHashMode = "recursive"; outputHashAlgo = "sha1"; outputHash = "0000000000000000000000000000000000000000"; } ''$b mkdir $out; echo content > $out/f'';
  impure = run "impure" { outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; impureEnvVars = [ "FLOE_TEST_IMPURE" "FLOE_TEST_UNSET" ]; }
    ''$b mkdir $out; $b env | $b grep -v -E '^(SHLVL|_|NIX_BUILD_CORES|out|args)=' | $b sort > $out/env; $b cat /etc/nsswitch.conf > $out/nss'';

  placeholder = run "placeholder" { outputs = [ "out" "other" ]; self = builtins.placeholder "out"; both = "${builtins.placeholder "other"} ${builtins.placeholder "out"}"; }
    ''$b mkdir $out; echo "$self $both ${builtins.placeholder "out"}" > $out/text; echo > $other'';

  sources = run "sources" { text = builtins.toFile "some-text" "see ${first.name}\n"; folder = ./.; }
    ''$b mkdir $out; $b cp $text $out/text; $b cp $folder/equal.nix $out/nix; echo $text > $out/ref'';
  viaLink = run "link" { } ''$b ln -s ${first} $out'';
  usesLink = run "uses-link" { link = viaLink; } ''$b mkdir $out; $b cat $link/one > $out/one; $b readlink $link > $out/target'';
  chain = builtins.foldl' (previous: n: run "chain-${toString n}" { inherit previous; } ''$b mkdir $out; echo "${toString n} $previous" > $out/n'') first (builtins.genList (n: n) 12);
  background = run "background" { } ''echo done > $out; $b sleep 100 & exec >&- 2>&-'';
  # C++ Nix kills a builder whose output reaches its end; so this one is only floe's.
  # closesOutput = run "closes-output" { } ''exec > /dev/null 2>&1; $b sleep 1; echo late > $out'';
  allowed = run "allowed" { allowedReferences = [ "out" first ]; allowedRequisites = [ first "out" ]; disallowedReferences = [ bb0 ]; } ''echo "${first} $out" > $out'';

  env = derivation {
    name = "env"; system = "builtin"; builder = "builtin:buildenv"; preferLocalBuild = true; allowSubstitutes = false;
    manifest = builtins.toFile "env-manifest.nix" "[ ]";
    derivations = [ "true" 5 1 pkgA "true" 7 2 pkgB first "false" 1 1 outputs ];
  };
  pkgA = run "pkg-a" { } ''$b mkdir -p $out/bin $out/share/doc $out/nix-support $out/lib/x; echo a > $out/bin/a; echo a > $out/bin/both; echo a > $out/share/doc/a; echo ${propagated} > $out/nix-support/propagated-user-env-packages; $b ln -s ${pkgB}/share $out/more; echo > $out/.hidden; $b ln -s /nowhere $out/dangling'';
  pkgB = run "pkg-b" { } ''$b mkdir -p $out/bin $out/share/doc $out/lib; echo b > $out/bin/b; echo b > $out/bin/both; echo b > $out/share/doc/b; $b ln -s ${first} $out/lib/x; echo m > $out/manifest.nix'';
  propagated = run "propagated" { } ''$b mkdir -p $out/bin; echo p > $out/bin/p; echo p > $out/bin/a'';
  channel = derivation { name = "channel"; system = "builtin"; builder = "builtin:unpack-channel"; channelName = "chan"; src = channelTar; };
  channelTar = run "channel.tar.gz" { } ''$b mkdir -p x/sub; echo '{ }' > x/default.nix; $b ln -s default.nix x/link; echo x > x/sub/exec; $b chmod 755 x/sub/exec; $b find x -exec $b touch -h -d @1 {} +; $b tar c x | $b gzip > $out'';
}
