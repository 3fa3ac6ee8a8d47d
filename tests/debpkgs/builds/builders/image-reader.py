# Reads a container image as `docker load` does (manifest.json) and as an OCI layout (index.json), checks that both say the same and that
# every digest and size is right, and prints what is inside.
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile

raw = open(sys.argv[1], "rb").read()
if raw[:2] == b"\x1f\x8b":
    raw = gzip.decompress(raw)
elif raw[:4] == b"\x28\xb5\x2f\xfd":
    raw = subprocess.run(["zstd", "-dc"], input=raw, stdout=subprocess.PIPE, check=True).stdout
archive = tarfile.open(fileobj=io.BytesIO(raw))
members = {member.name: archive.extractfile(member).read() for member in archive if member.isreg()}


def blob(descriptor):
    data = members["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
    assert "sha256:" + hashlib.sha256(data).hexdigest() == descriptor["digest"], descriptor
    assert len(data) == descriptor["size"], descriptor
    return data


assert json.loads(members["oci-layout"])["imageLayoutVersion"] == "1.0.0"
index = json.loads(members["index.json"])
oci = json.loads(blob(index["manifests"][0]))
assert index["mediaType"].endswith("image.index.v1+json") and oci["schemaVersion"] == 2
config = json.loads(blob(oci["config"]))
layers = [blob(layer) for layer in oci["layers"]]
(docker,) = json.loads(members["manifest.json"])
assert json.loads(members[docker["Config"]]) == config
assert [hashlib.sha256(members[name]).hexdigest() for name in docker["Layers"]] == [hashlib.sha256(layer).hexdigest() for layer in layers]
assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
assert config["os"] == "linux"

files = {}
for layer in layers:
    for member in tarfile.open(fileobj=io.BytesIO(layer)):
        name = member.name.removeprefix("./").rstrip("/")
        assert not name.startswith("/") and ".." not in name.split("/"), name
        files[name] = {"size": member.size, "mode": member.mode, "uid": member.uid, "gid": member.gid, "mtime": member.mtime, "link": member.linkname}
json.dump({"reference": docker["RepoTags"][0], "config": config, "layers": [layer["digest"] for layer in oci["layers"]], "files": files}, sys.stdout)
