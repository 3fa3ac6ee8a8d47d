# The certificates of the authorities that Debian trusts, as one file, with the hook that points programs at it.
{ runCommandLocal, certificates }:
runCommandLocal "ca-certificates" { inherit certificates; } ''
  mkdir -p $out/etc/ssl/certs $out/nix-support
  ar=$(mktemp -d)
  cd $ar
  # a .deb is an ar archive: a line of 60 signs before each member
  offset=8
  while read -r -n 60 header < <(tail -c +$((offset + 1)) "$certificates"); do
    size=$(echo "''${header:48:10}" | tr -d ' ')
    name=''${header%% *}
    offset=$((offset + 60))
    if [[ $name == data.tar* ]]; then tail -c +$((offset + 1)) "$certificates" | head -c "$size" | tar xJ; break; fi
    offset=$((offset + size + size % 2))
  done
  find usr/share/ca-certificates -name '*.crt' | LC_ALL=C sort | while read -r file; do cat "$file"; echo; done > $out/etc/ssl/certs/ca-bundle.crt
  ln -s ca-bundle.crt $out/etc/ssl/certs/ca-certificates.crt
  cat > $out/nix-support/setup-hook <<END
  export NIX_SSL_CERT_FILE=$out/etc/ssl/certs/ca-bundle.crt
  export SSL_CERT_FILE=$out/etc/ssl/certs/ca-bundle.crt
  END
''
