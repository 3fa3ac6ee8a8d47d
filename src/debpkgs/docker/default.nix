# Container images: `dockerTools`, with the functions and arguments of nixpkgs' manual, "pkgs.dockerTools". An image is a tar file that
# `docker load`, `podman load` and what reads an OCI layout take. Nothing runs as root and no engine is needed; what only a virtual machine
# could do (`runAsRoot`) is refused.
{ lib, stdenvNoCC, runCommand, runCommandLocal, writeText, writeTextDir, symlinkJoin, bash, coreutils, cacert, fakeroot, util-linux, python3, zstd, storeName }:
let
  inherit (lib) optionalString;

  image = "${python3}/bin/python3 ${./image.py}";

  # Files of the image's own, outside of the store: links to what `contents` hold, or copies of them.
  customise = { name, contents, extraCommands, fakeRootCommands, copies, uid, gid, uname, gname, mtime }:
    runCommand "${name}-customisation-layer"
      {
        inherit extraCommands fakeRootCommands;
        contents = lib.toList contents;
        passAsFile = [ "extraCommands" "fakeRootCommands" ];
        nativeBuildInputs = lib.optionals (fakeRootCommands != "") [ fakeroot util-linux ];
        preferLocalBuild = true;
      } ''
      mkdir root
      for package in $contents; do
        # a single file has no place in a root folder
        if [[ ! -d $package ]]; then echo "an image cannot hold '$package' at its root: it is no folder" >&2; exit 1; fi
        ${if copies then ''
          cp -r --no-preserve=ownership,timestamps -- "$package/." root/
          chmod -R u+w root
        '' else ''
          while IFS= read -r -d "" file; do
            mkdir -p "$(dirname "root/$file")"
            if [[ ! -e root/$file && ! -L root/$file ]]; then
              if [[ -L $package/$file ]]; then ln -s "$(readlink -f "$package/$file")" "root/$file"; else ln -s "$package/$file" "root/$file"; fi
            fi
          done < <(cd "$package" && find . -mindepth 1 ! -type d -printf '%P\0')
        ''}
      done
      (
        cd root
        chmod u+w .
        eval "$(< "$extraCommandsPath")"
      )
      # the folders that a store path lies in come with the store paths
      mkdir $out
      archive() {
        tar --sort=name --mtime="${mtime}" --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime --hard-dereference "$@" -C root -cf $out/layer.tar .
      }
      if [[ -s $fakeRootCommandsPath ]]; then
        # owners that the sandbox does not know cannot even be tried
        FAKEROOTDONTTRYCHOWN=1 fakeroot -l ${fakeroot}/lib/x86_64-linux-gnu/libfakeroot/libfakeroot-sysv.so -f ${fakeroot}/bin/faked-sysv -- bash -ec "$(declare -f archive)"'
          out=$1
          chown -R ${toString uid}:${toString gid} root
          (cd root && eval "$(< "$2")")
          archive --numeric-owner
        ' bash "$out" "$fakeRootCommandsPath"
      else
        archive --owner=${uname}:${toString uid} --group=${gname}:${toString gid}
      fi
    '';

  architectureOf = "amd64";

  # Everything that all kinds of images have in common: a program that writes the image to its standard output.
  streamOf =
    { name, tag ? null, fromImage ? null, contents ? [ ], config ? { }, architecture ? architectureOf, created ? "1970-01-01T00:00:01Z", mtime ? "1970-01-01T00:00:01Z"
    , uid ? 0, gid ? 0, uname ? "root", gname ? "root", maxLayers, extraCommands ? "", fakeRootCommands ? "", includeStorePaths ? true, copies ? false
    , passthru ? { }, meta ? { } }:
    let
      baseName = storeName (baseNameOf name);
      customisation = customise { name = baseName; inherit contents extraCommands fakeRootCommands copies uid gid uname gname; mtime = if mtime == "now" then "@1" else mtime; };
      # a derivation of its own, so that what the configuration names is part of the closure
      configFile = writeText "${baseName}-config.json" (builtins.toJSON config);
      conf = stdenvNoCC.mkDerivation {
        name = "${baseName}-conf.json";
        __structuredAttrs = true;
        exportReferencesGraph.closure = [ configFile customisation ] ++ lib.toList contents;
        leftOut = [ configFile customisation ];
        image = {
          inherit name architecture created mtime config uid gid uname gname includeStorePaths maxLayers;
          fromImage = if fromImage == null then null else "${fromImage}";
          customisation = "${customisation}/layer.tar";
          inherit (builtins) storeDir;
          storeUid = 0;
          storeGid = 0;
        };
        buildCommand = ''${image} plan "$NIX_ATTRS_JSON_FILE" "''${outputs[out]}"'';
      };
      imageTag = if tag != null then tag else lib.head (lib.splitString "-" (baseNameOf (builtins.unsafeDiscardStringContext conf.outPath)));
    in
    runCommandLocal "stream-${baseName}"
      {
        inherit meta;
        passthru = passthru // { inherit imageTag; imageName = name; inherit conf; isExe = true; };
      } ''
      {
        echo '#!${bash}/bin/bash'
        echo 'exec ${image} stream ${conf} "${imageTag}"'
      } > $out
      chmod +x $out
    '' // { inherit imageTag; imageName = name; };

  compressors = {
    none = { extension = ""; command = "cat"; inputs = [ ]; };
    gz = { extension = ".gz"; command = "gzip -n"; inputs = [ ]; };
    zstd = { extension = ".zst"; command = "zstd -T1 -q"; inputs = [ zstd ]; };
  };
  archiveOf = { name, compressor ? "gz", meta ? { }, passthru ? { }, stream }:
    let
      kind = compressors.${compressor} or (throw "dockerTools: '${compressor}' is no compressor; there are ${lib.concatStringsSep ", " (lib.attrNames compressors)}");
    in
    runCommand "${storeName (baseNameOf name)}.tar${kind.extension}"
      { inherit meta; nativeBuildInputs = kind.inputs; passthru = passthru // { inherit stream; inherit (stream) imageTag imageName; }; }
      "${stream} | ${kind.command} > $out"
    // { inherit (stream) imageTag imageName; };

  streamLayeredImage = lib.makeOverridable (args@{ maxLayers ? 100, ... }:
    if args.enableFakechroot or false then throw "dockerTools.streamLayeredImage: 'enableFakechroot' is not supported; fakeRootCommands run in the image's folder"
    else if args.includeNixDB or false then throw "dockerTools.streamLayeredImage: 'includeNixDB' is not supported"
    else if maxLayers < 2 then throw "dockerTools.streamLayeredImage: 'maxLayers' has to be at least 2, but is ${toString maxLayers}"
    else streamOf (removeAttrs args [ "enableFakechroot" "includeNixDB" "includeStorePaths" "layeringPipeline" "debug" ] // { inherit maxLayers; includeStorePaths = args.includeStorePaths or true; }));
in
{
  inherit streamLayeredImage;
  buildLayeredImage = lib.makeOverridable (args@{ name, compressor ? "gz", ... }:
    archiveOf { inherit name compressor; meta = args.meta or { }; passthru = args.passthru or { }; stream = streamLayeredImage (removeAttrs args [ "compressor" "passthru" "meta" ]); });

  # One layer with everything.
  buildImage = lib.makeOverridable (args@{ name, compressor ? "gz", copyToRoot ? null, contents ? null, ... }:
    let
      roots = if contents != null && copyToRoot != null then throw "dockerTools.buildImage: 'contents' is the former name of 'copyToRoot'; give one of them" else if contents != null then contents else copyToRoot;
    in
    if args.runAsRoot or null != null then throw "dockerTools.buildImage: 'runAsRoot' needs a virtual machine, which this set does not have; 'extraCommands', or 'fakeRootCommands' of buildLayeredImage, do what needs no root"
    else
      archiveOf {
        inherit name compressor;
        meta = args.meta or { };
        passthru = args.passthru or { };
        stream = streamOf (removeAttrs args [ "compressor" "copyToRoot" "contents" "runAsRoot" "keepContentsDirlinks" "diskSize" "buildVMMemorySize" "includeNixDB" "fromImageName" "fromImageTag" "passthru" "meta" ] // {
          contents = if roots == null then [ ] else lib.toList roots;
          copies = true;
          maxLayers = 0;
        });
      });

  # What programs expect of a system: a shell at /bin/sh, env at /usr/bin/env, certificates, users.
  binSh = runCommandLocal "bin-sh" { } "mkdir -p $out/bin; ln -s ${bash}/bin/bash $out/bin/sh";
  usrBinEnv = runCommandLocal "usr-bin-env" { } "mkdir -p $out/usr/bin; ln -s ${coreutils}/bin/env $out/usr/bin/env";
  caCertificates = runCommandLocal "ca-certificates-root" { } ''
    mkdir -p $out/etc/ssl/certs
    for name in ca-bundle.crt ca-certificates.crt; do ln -s ${cacert}/etc/ssl/certs/ca-bundle.crt $out/etc/ssl/certs/$name; done
  '';
  fakeNss = symlinkJoin {
    name = "fake-nss";
    paths = [
      (writeTextDir "etc/passwd" "root:x:0:0:root user:/var/empty:/bin/sh\nnobody:x:65534:65534:nobody:/var/empty:/bin/sh\n")
      (writeTextDir "etc/group" "root:x:0:\nnobody:x:65534:\n")
      (writeTextDir "etc/nsswitch.conf" "hosts: files dns\n")
      (runCommandLocal "var-empty" { } "mkdir -p $out/var/empty")
    ];
  };
}
