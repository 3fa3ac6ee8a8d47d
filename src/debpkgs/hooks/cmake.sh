# cmake's phase for derivations that have it as a native input. Arguments as in nixpkgs' manual, section "cmake": cmakeDir, cmakeBuildDir,
# cmakeBuildType, cmakeFlags, cmakeFlagsArray, dontUseCmakeConfigure, dontUseCmakeBuildDir.

_addCmakeFolders() { addToSearchPath CMAKE_PREFIX_PATH "$1"; }
addEnvHooks "$targetOffset" _addCmakeFolders

cmakeConfigurePhase() {
  runHook preConfigure
  local flags=()
  if [[ -z ${dontUseCmakeBuildDir-} ]]; then
    mkdir -p "${cmakeBuildDir:=build}"
    cd "$cmakeBuildDir"
    : "${cmakeDir:=..}"
  fi
  if [[ ${buildPhase-} == ninjaBuildPhase ]]; then flags+=(-GNinja); fi
  flags+=(
    "-DCMAKE_BUILD_TYPE=${cmakeBuildType:-Release}"
    "-DCMAKE_INSTALL_PREFIX=$prefix"
    "-DCMAKE_INSTALL_LIBDIR=${!outputLib}/lib" "-DCMAKE_INSTALL_LIBEXECDIR=${!outputLib}/libexec"
    "-DCMAKE_INSTALL_BINDIR=${!outputBin}/bin" "-DCMAKE_INSTALL_SBINDIR=${!outputBin}/sbin"
    "-DCMAKE_INSTALL_INCLUDEDIR=${!outputInclude}/include" "-DCMAKE_INSTALL_MANDIR=${!outputMan}/share/man"
    "-DCMAKE_INSTALL_INFODIR=${!outputInfo}/share/info" "-DCMAKE_INSTALL_DOCDIR=${!outputDoc}/share/doc/${shareDocName:-${pname:-$name}}"
    "-DCMAKE_INSTALL_LOCALEDIR=${!outputLib}/share/locale"
    "-DCMAKE_AR=$(command -v "${AR:-ar}")" "-DCMAKE_RANLIB=$(command -v "${RANLIB:-ranlib}")" "-DCMAKE_STRIP=$(command -v "${STRIP:-strip}")"
    -DCMAKE_FIND_USE_SYSTEM_PACKAGE_REGISTRY=OFF -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF -DCMAKE_EXPORT_NO_PACKAGE_REGISTRY=ON
    -DCMAKE_POLICY_DEFAULT_CMP0025=NEW
  )
  # the tests of a build that runs none need not be compiled
  if [[ -z ${doCheck-} ]]; then flags+=(-DBUILD_TESTING=OFF); fi
  concatTo flags cmakeFlags cmakeFlagsArray
  echoCmd 'cmake flags' "${flags[@]}"
  cmake "${cmakeDir:-.}" "${flags[@]}"
  : "${enableParallelBuilding=1}" "${enableParallelChecking=1}" "${enableParallelInstalling=1}"
  runHook postConfigure
}

if [[ -z ${dontUseCmakeConfigure-} && -z ${configurePhase-} ]]; then
  setOutputFlags=
  configurePhase=cmakeConfigurePhase
fi
