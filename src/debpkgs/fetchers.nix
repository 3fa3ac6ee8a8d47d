# Fetches that are more than one file: archives that are unpacked, repositories, patches. Each is a fixed-output build that downloads with
# curl or git of the set; arguments and results are those of nixpkgs' manual, chapter "Fetchers", so that hashes can be carried over.
{ lib, stdenvNoCC, curl, git, cacert, unzip, patchutils, fetchurl, addressOf }:
let
  inherit (lib) optionalString optionalAttrs;

  # What kind of hash was given, as the attributes of a fixed-output derivation.
  outputHashOf = what: { hash ? null, sha256 ? null, sha512 ? null, outputHash ? null, outputHashAlgo ? null, ... }:
    let
      given = lib.filter (kind: kind.value != null) [
        { algorithm = null; value = hash; }
        { algorithm = "sha256"; value = sha256; }
        { algorithm = "sha512"; value = sha512; }
        { algorithm = outputHashAlgo; value = outputHash; }
      ];
      it = lib.head given;
    in
    if lib.length given != 1 then throw "${what} needs one hash: 'hash' or 'sha256'"
    else { outputHash = if it.value == "" then lib.fakeHash else it.value; outputHashAlgo = if it.value == "" then null else it.algorithm; };

  proxies = [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" ];

  # A build that may use the network, since its output is known.
  fetch = { name, hash, mode, script, nativeBuildInputs ? [ ], environment ? { }, meta ? { }, passthru ? { } }:
    stdenvNoCC.mkDerivation (environment // hash // {
      inherit name meta passthru;
      nativeBuildInputs = [ cacert ] ++ nativeBuildInputs;
      outputHashMode = mode;
      impureEnvVars = proxies ++ [ "NIX_SSL_CERT_FILE" ];
      preferLocalBuild = true;
      buildCommand = script;
    });

  # Shell: the file at one of $urls, to $1.
  download = ''
    download() {
      local url
      for url in $urls; do
        echo "trying $url"
        if curl --location --fail --show-error --silent --retry 3 --retry-all-errors --connect-timeout 30 --max-redirs 20 $curlOpts --output "$1" "$url"; then return; fi
      done
      echo "unable to download any of: $urls" >&2
      exit 1
    }
  '';
  urlsOf = { url ? null, urls ? [ ], ... }: map addressOf (lib.optional (url != null) url ++ urls);

  # One file, changed by `postFetch` before it is hashed.
  fetchAndChange = args@{ postFetch, name ? "", recursiveHash ? false, executable ? false, curlOpts ? "", nativeBuildInputs ? [ ], meta ? { }, passthru ? { }, ... }:
    let urls = urlsOf args; in
    fetch {
      name = if name != "" then name else baseNameOf (lib.head urls);
      hash = outputHashOf "fetchurl: '${lib.head urls}'" args;
      mode = if recursiveHash || executable then "recursive" else "flat";
      nativeBuildInputs = [ curl ] ++ nativeBuildInputs;
      environment = { inherit urls curlOpts; };
      inherit meta passthru;
      script = download + ''
        download "$out"
        ${optionalString executable ''chmod +x "$out"''}
        ${postFetch}
      '';
    };

  fetchzip = args@{ name ? "source", stripRoot ? true, extension ? null, postFetch ? "", extraPostFetch ? "", curlOpts ? "", nativeBuildInputs ? [ ], meta ? { }, passthru ? { }, ... }:
    let
      urls = urlsOf args;
      first = if urls == [ ] then throw "fetchzip: neither 'url' nor 'urls' is given" else lib.head urls;
      base = lib.head (lib.splitString "?" (baseNameOf first));
    in
    fetch {
      inherit name meta;
      passthru = { url = first; } // passthru;
      hash = outputHashOf "fetchzip: '${first}'" args;
      mode = "recursive";
      nativeBuildInputs = [ curl unzip ] ++ nativeBuildInputs;
      environment = { inherit urls curlOpts; archive = if extension == null then base else "download.${extension}"; };
      script = download + ''
        mkdir unpacked
        download "$PWD/$archive"
        cd unpacked
        unpackFile "../$archive"
        chmod -R +w .
      '' + (if stripRoot then ''
        shopt -s dotglob nullglob
        entries=(*)
        if (( ''${#entries[@]} != 1 )); then
          echo "fetchzip: the archive of '$urls' has ''${#entries[@]} files or folders at its top, not one; 'stripRoot = false' takes them all" >&2
          exit 1
        fi
        shopt -u dotglob nullglob
        mv "''${entries[0]}" "$out"
      '' else ''
        cd ..
        mv unpacked "$out"
      '') + ''
        ${postFetch}
        ${extraPostFetch}
        # the owner's write permission is no part of a store path, but what only the owner may read or enter would be
        chmod 755 "$out" 2> /dev/null || true
      '';
    };

  fetchgit =
    args@{ url, rev ? null, tag ? null, name ? null, leaveDotGit ? deepClone, deepClone ? false, fetchSubmodules ? true, fetchLFS ? false, branchName ? null
    , sparseCheckout ? [ ], nonConeMode ? false, rootDir ? "", postFetch ? "", preFetch ? "", nativeBuildInputs ? [ ], meta ? { }, passthru ? { }, ... }:
    let
      revision = if tag != null && rev != null then throw "fetchgit: '${url}' gives both 'tag' and 'rev'" else if tag != null then "refs/tags/${tag}" else if rev != null then rev else "HEAD";
      base = lib.removeSuffix ".git" (baseNameOf (lib.removeSuffix "/" url));
    in
    if fetchLFS then throw "fetchgit: 'fetchLFS' is not supported ('${url}'); fetch the large files by fetchurl"
    else if leaveDotGit then throw "fetchgit: 'leaveDotGit' is not supported ('${url}'): what git writes there differs from run to run"
    else
      fetch {
        name = if name != null then name else if rev != null && rev != "HEAD" && tag == null then "${base}-${lib.substring 0 7 rev}" else base;
        hash = outputHashOf "fetchgit: '${url}'" args;
        mode = "recursive";
        nativeBuildInputs = [ git ] ++ nativeBuildInputs;
        environment = { inherit url revision; sparse = lib.concatLines sparseCheckout; };
        inherit meta;
        passthru = { inherit url rev tag; gitRepoUrl = url; } // passthru;
        script = ''
          export HOME=$PWD GIT_SSL_CAINFO=$SSL_CERT_FILE GIT_TERMINAL_PROMPT=0
          ${preFetch}
          git -c init.defaultBranch=main init -q source
          cd source
          git config advice.detachedHead false
          git remote add origin "$url"
          if [[ -n $sparse ]]; then git sparse-checkout set ${optionalString nonConeMode "--no-cone"} --stdin <<< "$sparse"; fi
          # few servers give out a commit by its name; then all of it is fetched
          if ! git fetch -q --depth 1 origin "$revision" 2> ../refused; then
            git fetch -q origin '+refs/*:refs/remotes/all/*' || { cat ../refused; exit 1; }
            git checkout -q --detach "$revision"
          else
            git checkout -q --detach FETCH_HEAD
          fi
          ${optionalString fetchSubmodules "git submodule update --init --recursive --depth 1 -q || git submodule update --init --recursive -q"}
          find . -name .git -prune -exec rm -rf {} +
          cd ..
          mv source${optionalString (rootDir != "") "/${rootDir}"} "$out"
          ${postFetch}
        '';
      };

  # A revision of a repository at a forge: its archive, or by git where an archive does not do.
  fetchFromForge = { what, page, archive, args, defaults ? { } }:
    let
      revision = if args.tag or null != null then (if args.rev or null != null then throw "${what}: '${page}' gives both 'tag' and 'rev'" else "refs/tags/${args.tag}") else args.rev or (throw "${what}: '${page}' needs 'rev' or 'tag'");
      needsGit = args.fetchSubmodules or false || args.leaveDotGit or false || args.deepClone or false || args.forceFetchGit or false || args.fetchLFS or false || args.sparseCheckout or [ ] != [ ];
      known = [ "owner" "repo" "group" "domain" "githubBase" "private" "varPrefix" "protocol" "forceFetchGit" "rev" "tag" ];
      rest = removeAttrs args known;
      meta = { homepage = page; } // args.meta or { };
      result =
        if needsGit then fetchgit (rest // { url = "${page}.git"; name = args.name or "source"; fetchSubmodules = args.fetchSubmodules or false; inherit meta; } // (if args.tag or null != null then { inherit (args) tag; } else { rev = revision; }))
        else fetchzip (removeAttrs rest [ "fetchSubmodules" "leaveDotGit" "deepClone" "sparseCheckout" "fetchLFS" ] // { url = archive revision; name = args.name or "source"; inherit meta; });
    in
    result // { rev = revision; tag = args.tag or null; gitRepoUrl = "${page}.git"; owner = args.owner or null; repo = args.repo or null; };

  # "refs/tags/v1" as forges write it in the names of archives
  archiveName = lib.removePrefix "refs/tags/";
  escapeSlashes = lib.replaceStrings [ "/" ] [ "%2F" ];
in
{
  inherit fetchAndChange fetchzip fetchgit;
  fetchtarball = fetchzip;
  fetchFromGitHub = args@{ owner, repo, githubBase ? "github.com", ... }:
    let page = "https://${githubBase}/${owner}/${repo}"; in
    fetchFromForge { what = "fetchFromGitHub"; inherit page args; archive = revision: "${page}/archive/${revision}.tar.gz"; };
  fetchFromGitLab = args@{ owner, repo, domain ? "gitlab.com", protocol ? "https", group ? null, ... }:
    let
      path = "${optionalString (group != null) "${group}/"}${owner}/${repo}";
    in
    fetchFromForge {
      what = "fetchFromGitLab"; inherit args;
      page = "${protocol}://${domain}/${path}";
      archive = revision: "${protocol}://${domain}/api/v4/projects/${escapeSlashes path}/repository/archive.tar.gz?sha=${escapeSlashes revision}";
    };
  fetchFromGitea = args@{ owner, repo, domain, ... }:
    let page = "https://${domain}/${owner}/${repo}"; in
    fetchFromForge { what = "fetchFromGitea"; inherit page args; archive = revision: "${page}/archive/${archiveName revision}.tar.gz"; };
  fetchFromCodeberg = args@{ owner, repo, ... }:
    let page = "https://codeberg.org/${owner}/${repo}"; in
    fetchFromForge { what = "fetchFromCodeberg"; inherit page args; archive = revision: "${page}/archive/${archiveName revision}.tar.gz"; };
  fetchFromSourcehut = args@{ owner, repo, domain ? "sr.ht", ... }:
    let page = "https://git.${domain}/${owner}/${repo}"; in
    fetchFromForge { what = "fetchFromSourcehut"; inherit page args; archive = revision: "${page}/archive/${archiveName revision}.tar.gz"; };
  fetchFromBitbucket = args@{ owner, repo, ... }:
    let page = "https://bitbucket.org/${owner}/${repo}"; in
    fetchFromForge { what = "fetchFromBitbucket"; inherit page args; archive = revision: "${page}/get/${archiveName revision}.tar.gz"; };

  # A patch in a form that does not depend on who made it: only the changes, file by file in the order of their names.
  fetchpatch =
    args@{ relative ? null, stripLen ? 0, decode ? "cat", extraPrefix ? null, excludes ? [ ], includes ? [ ], revert ? false, postFetch ? "", nativeBuildInputs ? [ ], ... }:
    let
      # what lies below `relative` is taken as if that were the top
      strip = if relative == null then stripLen else 1 + lib.length (lib.splitString "/" relative) + stripLen;
      prefix = if relative != null && extraPrefix == null then "" else extraPrefix;
      layout = "--strip=${toString strip}" + optionalString (prefix != null) " --addoldprefix=a/${prefix} --addnewprefix=b/${prefix}";
    in
    if excludes != [ ] && includes != [ ] then throw "fetchpatch: 'excludes' and 'includes' cannot both be given"
    else
      fetchAndChange (removeAttrs args [ "relative" "stripLen" "decode" "extraPrefix" "excludes" "includes" "revert" ] // {
        nativeBuildInputs = [ patchutils ] ++ nativeBuildInputs;
        postFetch = ''
          ${decode} < "$out" > fetched.patch
          lsdiff ${optionalString (relative != null) "-p1 -i ${relative}/'*'"} fetched.patch | sort -u | sed -e 's/[*?]/\\&/g' \
            | xargs -I{} filterdiff --include={} ${layout} --clean fetched.patch > normal.patch
          filterdiff -p1 ${lib.concatMapStringsSep " " (pattern: "-x ${lib.escapeShellArg pattern}") excludes} \
            ${lib.concatMapStringsSep " " (pattern: "-i ${lib.escapeShellArg pattern}") includes} normal.patch > "$out"
          ${optionalString revert ''interdiff "$out" /dev/null > reverted.patch; cp reverted.patch "$out"''}
          if [[ ! -s $out ]]; then
            echo 'fetchpatch: nothing is left of what was downloaded; is it a patch, and do includes and excludes fit?' >&2
            exit 1
          fi
          ${postFetch}
        '';
      });
}
