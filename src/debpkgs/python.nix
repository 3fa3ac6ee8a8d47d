# Python with modules: `python3.withPackages (ps: [ ps.numpy ])` gives an interpreter that finds them, where `ps.numpy` is Debian's
# python3-numpy.
{ lib, debpkgs, runCommandLocal, python, bash }:
let
  packages = lib.listToAttrs (map (name: { name = lib.removePrefix "python3-" name; value = debpkgs.package name; })
    (lib.filter (lib.hasPrefix "python3-") debpkgs.index.names));

  # A module with those it needs; each stands in its own unit.
  closureOf = modules:
    map (node: node.package) (builtins.genericClosure {
      startSet = map (package: { key = package.pname; inherit package; }) modules;
      operator = node: map (key: { inherit key; package = debpkgs.units key; }) (lib.filter (key: (debpkgs.plans key).has "python") node.package.debian.dependencies);
    });

  withPackages = choose:
    let modules = closureOf (choose packages); in
    runCommandLocal "python3-with-packages-${python.version}"
      {
        path = lib.concatMapStringsSep ":" (module: "${module}/lib/python3/dist-packages") modules;
        meta.mainProgram = "python3";
      }
      ''
        mkdir -p $out/bin
        for program in ${python}/bin/python3*; do
          name=''${program##*/}
          printf '#!%s/bin/bash\nexport PYTHONPATH=%s''${PYTHONPATH:+:$PYTHONPATH}\nexec %s "$@"\n' ${bash} "$path" "$program" > $out/bin/$name
          chmod +x $out/bin/$name
        done
        ln -s python3 $out/bin/python
        for module in ''${path//:/ }; do
          for program in ''${module%/lib/python3/dist-packages}/bin/*; do
            if [[ -x $program && ! -e $out/bin/''${program##*/} ]]; then ln -s $program $out/bin/; fi
          done
        done
      '';
in
python // {
  inherit withPackages;
  pkgs = packages;
  pythonVersion = "3.11";
  sitePackages = "lib/python3/dist-packages";
  interpreter = "${python}/bin/python3";
}
