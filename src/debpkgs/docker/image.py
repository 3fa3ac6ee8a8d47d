# Container images as tar files, the same bytes each time. Two steps: `layers CONF OUT` decides which store paths lie in which layer, and
# `stream CONF` writes the image to standard output. The archive can be read both as `docker load` has it (manifest.json) and as an image
# layout of the Open Container Initiative (oci-layout, index.json, blobs/). Formats: docker's "Image Tarball Specification v1.2", OCI
# image-spec 1.1, ustar and pax of POSIX.
import hashlib
import io
import json
import os
import stat
import sys
import tarfile
from datetime import datetime, timezone


def choose_layers(paths, max_layers):
    """Store paths -> lists of them, one a layer: what most others need comes first and alone; the rest shares the last layer."""
    references = {p["path"]: [r for r in p["references"] if r != p["path"]] for p in paths}
    closures = {}

    def closure(path):
        # an explicit stack: closures may be deep
        stack = [path]
        while stack:
            top = stack[-1]
            missing = [r for r in references.get(top, []) if r not in closures]
            if missing:
                stack.extend(missing)
            else:
                stack.pop()
                closures[top] = {top}.union(*(closures[r] for r in references.get(top, [])))
        return closures[path]

    popularity = {path: 0 for path in references}
    for path in sorted(references):
        for needed in closure(path):
            if needed in popularity:
                popularity[needed] += 1
    ordered = sorted(references, key=lambda path: (-popularity[path], path))
    if max_layers < 1:
        sys.exit("an image needs at least one layer for what it holds: 'maxLayers' is too small")
    if len(ordered) <= max_layers:
        return [[path] for path in ordered]
    return [[path] for path in ordered[: max_layers - 1]] + [ordered[max_layers - 1 :]]


class Counter(io.RawIOBase):
    """Counts and hashes what is written, and passes it on."""

    def __init__(self, target=None):
        self.size = 0
        self.hash = hashlib.sha256()
        self.target = target

    def writable(self):
        return True

    def write(self, data):
        self.size += len(data)
        self.hash.update(data)
        if self.target is not None:
            self.target.write(data)
        return len(data)


def add(archive, name, kind, mode, conf, size=0, link="", data=None):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.linkname = kind, mode, size, link
    entry.mtime, entry.uid, entry.gid = conf["mtime"], conf["uid"], conf["gid"]
    entry.uname, entry.gname = conf.get("uname", ""), conf.get("gname", "")
    archive.addfile(entry, data)


def add_tree(archive, source, name, conf):
    """A file or folder of this machine, as `name` in the archive; folders in the order of their names."""
    status = os.lstat(source)
    if stat.S_ISLNK(status.st_mode):
        add(archive, name, tarfile.SYMTYPE, 0o777, conf, link=os.readlink(source))
    elif stat.S_ISDIR(status.st_mode):
        add(archive, name, tarfile.DIRTYPE, stat.S_IMODE(status.st_mode), conf)
        for child in sorted(os.listdir(source)):
            add_tree(archive, os.path.join(source, child), f"{name}/{child}", conf)
    else:
        with open(source, "rb") as data:
            add(archive, name, tarfile.REGTYPE, stat.S_IMODE(status.st_mode), conf, size=status.st_size, data=data)


def write_layer(target, layer, conf):
    """A layer's tar: the folders above its store paths first, since runtimes want to find them."""
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        plain = {**conf, "uid": conf["storeUid"], "gid": conf["storeGid"], "uname": "", "gname": ""}
        if layer["paths"]:
            parts = conf["storeDir"].strip("/").split("/")
            for depth in range(1, len(parts) + 1):
                add(archive, "/".join(parts[:depth]), tarfile.DIRTYPE, 0o755, plain)
        for path in layer["paths"]:
            add_tree(archive, path, path.lstrip("/"), plain)
        if layer["tar"]:
            with tarfile.open(layer["tar"], mode="r:") as given:
                for entry in given:
                    archive.addfile(entry, given.extractfile(entry) if entry.isreg() else None)


class Layer:
    def __init__(self, describe, write):
        self.describe = describe
        self.write = write
        counter = Counter()
        write(counter)
        self.size, self.digest = counter.size, counter.hash.hexdigest()


def read_base(path):
    """The layers and configuration of another image: what `docker save` wrote, or this program."""
    with tarfile.open(path, mode="r:*") as archive:
        members = {member.name.removeprefix("./"): member for member in archive.getmembers()}
        manifest = json.load(archive.extractfile(members["manifest.json"]))[0]
        config = json.load(archive.extractfile(members[manifest["Config"]]))
        layers = []
        for name in manifest["Layers"]:
            member = members[name]
            # older archives say that two layers are one by a link
            while member.issym() or member.islnk():
                member = members[os.path.normpath(os.path.join(os.path.dirname(member.name) if member.issym() else "", member.linkname))]

            def write(target, member=member):
                with tarfile.open(path, mode="r:*") as again:
                    source = again.extractfile(again.getmember(member.name))
                    while block := source.read(1 << 20):
                        target.write(block)

            layers.append(Layer(f"layer of {os.path.basename(path)}", write))
        return layers, config


def instant(text):
    """ISO 8601, or "now", as seconds and as text."""
    moment = datetime.now(timezone.utc) if text == "now" else datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return int(moment.timestamp()), moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def stream(conf, output):
    _, created = instant(conf["created"])
    mtime, _ = instant(conf["mtime"])
    tar_conf = {**conf, "mtime": mtime}
    layers, base = read_base(conf["fromImage"]) if conf.get("fromImage") else ([], {})
    inherited = len(layers)
    for layer in conf["layers"]:
        names = [os.path.basename(path) for path in layer["paths"]] + (["files of its own"] if layer["tar"] else [])
        layers.append(Layer(" ".join(names), lambda target, layer=layer: write_layer(target, layer, tar_conf)))

    config = dict(base.get("config") or {})
    own = conf.get("config") or {}
    if config.get("Env") and own.get("Env"):
        names = {entry.split("=", 1)[0] for entry in own["Env"]}
        own = {**own, "Env": [entry for entry in config["Env"] if entry.split("=", 1)[0] not in names] + own["Env"]}
    config.update(own)
    history = base.get("history") or [{"created": created, "created_by": "base"} for _ in range(inherited)]
    image = {
        "created": created,
        "architecture": conf["architecture"],
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
        "history": history + [{"created": created, "created_by": "debpkgs", "comment": layer.describe[:200]} for layer in layers[inherited:]],
    }

    def text_of(value):
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    def digest_of(data):
        return hashlib.sha256(data).hexdigest()

    image_text = text_of(image)
    reference = f"{conf['name']}:{conf['tag']}"
    oci = text_of({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{digest_of(image_text)}", "size": len(image_text)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": f"sha256:{layer.digest}", "size": layer.size} for layer in layers],
    })
    index = text_of({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": f"sha256:{digest_of(oci)}",
            "size": len(oci),
            "annotations": {"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": conf["tag"]},
        }],
    })
    manifest = text_of([{
        "Config": f"blobs/sha256/{digest_of(image_text)}",
        "RepoTags": [reference],
        "Layers": [f"blobs/sha256/{layer.digest}" for layer in layers],
    }])

    outer = {**tar_conf, "uid": 0, "gid": 0, "uname": "", "gname": ""}
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.PAX_FORMAT) as archive:

        def put(name, data):
            add(archive, name, tarfile.REGTYPE, 0o444, outer, size=len(data), data=io.BytesIO(data))

        put("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        for folder in ["blobs", "blobs/sha256"]:
            add(archive, folder, tarfile.DIRTYPE, 0o755, outer)
        written = set()
        for number, layer in enumerate(layers):
            if layer.digest in written:
                continue
            written.add(layer.digest)
            print(f"layer {number + 1} of {len(layers)}: {layer.describe[:120]}", file=sys.stderr)
            entry = tarfile.TarInfo(f"blobs/sha256/{layer.digest}")
            entry.size, entry.mode, entry.mtime = layer.size, 0o444, mtime
            # a layer is written, not read from a file: the header by tarfile, data and padding by hand
            archive.addfile(entry)
            counter = Counter(archive.fileobj)
            layer.write(counter)
            if counter.hash.hexdigest() != layer.digest:
                sys.exit(f"a layer changed while it was written: {layer.describe}")
            rest = -layer.size % tarfile.BLOCKSIZE
            archive.fileobj.write(b"\0" * rest)
            archive.offset += layer.size + rest
        put(f"blobs/sha256/{digest_of(image_text)}", image_text)
        put(f"blobs/sha256/{digest_of(oci)}", oci)
        put("index.json", index)
        put("manifest.json", manifest)


def plan(attributes):
    """The configuration of `stream`, from the attributes of its derivation (with the closure that Nix wrote down)."""
    conf = attributes["image"]
    without = set(attributes["leftOut"])
    paths = [path for path in attributes.get("closure", []) if path["path"] not in without] if conf["includeStorePaths"] else []
    inherited = 0
    if conf.get("fromImage"):
        base_layers, base = read_base(conf["fromImage"])
        inherited = len(base_layers)
    if conf["maxLayers"] == 0:
        # all in one
        conf["layers"] = [{"paths": sorted(path["path"] for path in paths), "tar": conf["customisation"]}]
    else:
        room = conf["maxLayers"] - inherited - 1
        conf["layers"] = [{"paths": layer, "tar": None} for layer in (choose_layers(paths, room) if paths else [])]
        conf["layers"].append({"paths": [], "tar": conf["customisation"]})
    return conf


def main():
    if sys.argv[1] == "plan":
        with open(sys.argv[2]) as source, open(sys.argv[3], "w") as target:
            json.dump(plan(json.load(source)), target, indent=1, sort_keys=True)
    elif sys.argv[1] == "stream":
        with open(sys.argv[2]) as source:
            conf = {**json.load(source), "tag": sys.argv[3]}
        if sys.stdout.isatty():
            sys.exit("an image is not for the terminal: pipe it to `docker load` or into a file")
        stream(conf, sys.stdout.buffer)
    else:
        sys.exit(f"unknown step: {sys.argv[1]}")


main()
