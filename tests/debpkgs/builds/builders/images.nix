# Container images, read by image-reader.py: digests, sizes and paths of both layouts.
{ pkgs }:
let
  inherit (pkgs) lib runCommand dockerTools;
  config = { Cmd = [ "${pkgs.jq}/bin/jq" "--version" ]; Env = [ "A=1" "B=2" ]; ExposedPorts."80/tcp" = { }; };
  read = name: image: checks: runCommand "read-${name}" { nativeBuildInputs = [ pkgs.python3 pkgs.zstd ]; inherit image; } ''
    python3 ${./image-reader.py} "$image" > read.json
    export READ=$PWD/read.json
    python3 - <<'END'
    import json, os
    image = json.load(open(os.environ["READ"]))
    files, config, layers = image["files"], image["config"], image["layers"]
    ${checks}
    END
    cp read.json $out
  '';
  layered = dockerTools.buildLayeredImage {
    name = "example.org/layered";
    tag = "v1";
    contents = [ pkgs.tree dockerTools.binSh dockerTools.usrBinEnv dockerTools.fakeNss ];
    inherit config;
    extraCommands = "mkdir -m 1777 tmp; echo own > own";
    maxLayers = 8;
  };
in
{
  image-layered = read "layered" layered ''
    assert image["reference"] == "example.org/layered:v1", image["reference"]
    assert len(layers) == 8, len(layers)
    assert config["config"]["Cmd"][1] == "--version" and config["architecture"] == "amd64" and config["created"] == "1970-01-01T00:00:01Z"
    assert files["bin/tree"]["link"].startswith("${builtins.storeDir}/") and files["own"]["size"] == 4 and files["tmp"]["mode"] == 0o1777
    assert files["bin/sh"]["link"].endswith("/bin/bash") and "etc/passwd" in files
    for path in ["${pkgs.jq}", "${pkgs.tree}", "${pkgs.bash}"]: assert path[1:] in files, path
    assert all(f["uid"] == 0 and f["mtime"] == 1 for f in files.values())
  '';
  # As the same archive again, without compression.
  image-stream = runCommand "image-stream" { stream = dockerTools.streamLayeredImage { name = "s"; contents = [ pkgs.tree ]; fakeRootCommands = "mkdir -p home/me; chown 1000:100 home/me; chmod 700 home/me"; }; nativeBuildInputs = [ pkgs.python3 ]; } ''
    $stream > one.tar
    $stream > two.tar
    cmp one.tar two.tar
    python3 ${./image-reader.py} one.tar > read.json
    python3 -c 'import json; image = json.load(open("read.json")); me = image["files"]["home/me"]; assert me["uid"] == 1000 and me["gid"] == 100 and me["mode"] == 0o700, me; assert image["reference"] == "s:${(dockerTools.streamLayeredImage { name = "s"; contents = [ pkgs.tree ]; fakeRootCommands = "mkdir -p home/me; chown 1000:100 home/me; chmod 700 home/me"; }).imageTag}"'
    touch $out
  '';
  image-single =
    let base = dockerTools.buildImage { name = "base"; tag = "1"; copyToRoot = pkgs.writeTextDir "etc/motd" "hello\n"; config.Env = [ "A=0" "P=x" ]; compressor = "none"; };
    in read "single" (dockerTools.buildImage { name = "single"; tag = "2"; fromImage = base; copyToRoot = pkgs.buildEnv { name = "root"; paths = [ pkgs.jq ]; pathsToLink = [ "/bin" ]; }; inherit config; compressor = "zstd"; }) ''
      assert len(layers) == 2, layers
      assert config["config"]["Env"] == ["P=x", "A=1", "B=2"], config
      assert files["etc/motd"]["size"] == 6 and "bin/jq" in files and "${pkgs.jq}"[1:] + "/bin/jq" in files
      assert len(config["rootfs"]["diff_ids"]) == len([h for h in config["history"] if not h.get("empty_layer")]) == 2
    '';
}
