let
  fixed = more: derivationStrict ({ name = "x"; system = "s"; builder = "/b"; } // more);
  sri = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
in [
  (fixed { outputHash = sri; })
  (fixed { outputHash = sri; outputHashAlgo = null; outputHashMode = "flat"; })
  (fixed { outputHash = sri; outputHashMode = "recursive"; })
  (fixed { outputHash = sri; outputHashMode = "nar"; outputHashAlgo = "sha256"; })
  (fixed { outputHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; outputHashAlgo = "sha256"; })
  (fixed { outputHash = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"; outputHashAlgo = "sha256"; })
  (fixed { outputHash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; outputHashAlgo = "sha256"; })
  (fixed { outputHash = "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"; outputHashMode = "recursive"; })
  (fixed { outputHash = "d41d8cd98f00b204e9800998ecf8427e"; outputHashAlgo = "md5"; })
  (fixed { outputHash = ""; outputHashAlgo = "sha256"; })
  (derivationStrict { name = "user"; system = "s"; builder = "/b"; src = (derivation { name = "x"; system = "s"; builder = "/b"; outputHash = sri; }).outPath; })
]
