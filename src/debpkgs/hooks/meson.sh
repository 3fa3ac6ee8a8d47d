# meson's phases, for derivations that have it as a native input. Arguments as in nixpkgs' manual, section "meson": mesonFlags,
# mesonFlagsArray, mesonBuildType, mesonBuildDir, mesonCheckFlags, mesonInstallFlags, mesonInstallTags, dontUseMesonConfigure,
# dontUseMesonCheck, dontUseMesonInstall. The build itself is ninja's.

mesonConfigurePhase() {
  runHook preConfigure
  : "${mesonBuildDir:=build}"
  local flags=(
    "--prefix=$prefix" "--libdir=${!outputLib}/lib" "--libexecdir=${!outputLib}/libexec" "--bindir=${!outputBin}/bin"
    "--sbindir=${!outputBin}/sbin" "--includedir=${!outputInclude}/include" "--mandir=${!outputMan}/share/man"
    "--infodir=${!outputInfo}/share/info" "--localedir=${!outputLib}/share/locale" -Dauto_features="${mesonAutoFeatures:-enabled}"
    -Dwrap_mode="${mesonWrapMode:-nodownload}" "--buildtype=${mesonBuildType:-plain}"
  )
  concatTo flags mesonFlags mesonFlagsArray
  echoCmd 'mesonConfigurePhase flags' "${flags[@]}"
  meson setup "$mesonBuildDir" "${flags[@]}"
  cd "$mesonBuildDir"
  : "${enableParallelBuilding=1}" "${enableParallelChecking=1}" "${enableParallelInstalling=1}"
  runHook postConfigure
}

mesonCheckPhase() {
  runHook preCheck
  local flags=()
  concatTo flags mesonCheckFlags mesonCheckFlagsArray
  echoCmd 'mesonCheckPhase flags' "${flags[@]}"
  meson test --no-rebuild --print-errorlogs "${flags[@]}"
  runHook postCheck
}

mesonInstallPhase() {
  runHook preInstall
  local flags=()
  if [[ -n ${mesonInstallTags-} ]]; then flags+=(--tags "$(concatStringsSep , mesonInstallTags)"); fi
  concatTo flags mesonInstallFlags mesonInstallFlagsArray
  echoCmd 'mesonInstallPhase flags' "${flags[@]}"
  meson install --no-rebuild "${flags[@]}"
  runHook postInstall
}

if [[ -z ${dontUseMesonConfigure-} && -z ${configurePhase-} ]]; then
  setOutputFlags=
  configurePhase=mesonConfigurePhase
fi
if [[ -z ${dontUseMesonCheck-} && -z ${checkPhase-} ]]; then checkPhase=mesonCheckPhase; fi
if [[ -z ${dontUseMesonInstall-} && -z ${installPhase-} ]]; then installPhase=mesonInstallPhase; fi
