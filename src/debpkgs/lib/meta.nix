# What packages say of themselves, and changes to that.
{ lib }:
rec {
  defaultPriority = 5;
  addMetaAttrs = meta: package:
    if package ? overrideAttrs then package.overrideAttrs (previous: { meta = previous.meta or { } // meta; }) else package // { meta = package.meta or { } // meta; };
  setPrio = priority: addMetaAttrs { inherit priority; };
  hiPrio = setPrio (-10);
  lowPrio = setPrio 10;
  hiPrioSet = lib.mapAttrs (_: package: if lib.isDerivation package then hiPrio package else package);
  lowPrioSet = lib.mapAttrs (_: package: if lib.isDerivation package then lowPrio package else package);
  dontDistribute = addMetaAttrs { hydraPlatforms = [ ]; };
  setName = name: package: package // { inherit name; };
  updateName = change: package: package // { name = change package.name; };
  appendToName = suffix: updateName (name: let parsed = builtins.parseDrvName name; in "${parsed.name}-${suffix}${lib.optionalString (parsed.version != "") "-${parsed.version}"}");
  mapDerivationAttrset = f: lib.mapAttrs (_: package: if lib.isDerivation package then f package else package);
  # A platform fits a pattern that is its name, a set that it matches, or one of its parts' checks.
  platformMatch = platform: pattern:
    if lib.isString pattern then pattern == platform.system
    else lib.matchAttrs (if pattern ? parsed then pattern else { parsed = pattern; }) platform;
  availableOn = platform: package:
    (!(package.meta ? platforms) || lib.any (platformMatch platform) package.meta.platforms) && lib.all (pattern: !(platformMatch platform pattern)) (package.meta.badPlatforms or [ ]);
  licensesSpdx = lib.listToAttrs (map (license: { name = license.spdxId; value = license; }) (lib.filter (license: license ? spdxId) (lib.attrValues lib.licenses)));
  getLicenseFromSpdxIdOr = id: default:
    lib.findFirst (license: lib.toLower license.spdxId == lib.toLower id) default (lib.attrValues licensesSpdx);
  getLicenseFromSpdxId = id: getLicenseFromSpdxIdOr id (lib.warn "getLicenseFromSpdxId: there is no licence '${id}'" { shortName = id; });
  optionalDrvAttr = condition: value: if condition then value else null;
  warnOnInstantiate = message: package:
    let fields = removeAttrs package [ "meta" "name" "type" "outputName" ]; in
    package // lib.mapAttrs (_: lib.warn message) fields;
}
