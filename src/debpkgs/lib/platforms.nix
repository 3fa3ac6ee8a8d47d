# Systems. The set itself is made for x86_64-linux; the names of others exist so that flakes which list them evaluate.
{ lib }:
let
  linux = [ "x86_64-linux" "aarch64-linux" "i686-linux" "armv7l-linux" "riscv64-linux" ];
  darwin = [ "aarch64-darwin" "x86_64-darwin" ];
in
{
  platformOf = system:
    let
      parts = builtins.match "([^-]+)-(.+)" system;
      cpu = builtins.elemAt parts 0;
      kernel = builtins.elemAt parts 1;
    in
    {
      inherit system;
      config = if system == "x86_64-linux" then "x86_64-unknown-linux-gnu" else "${cpu}-unknown-${kernel}";
      isLinux = kernel == "linux";
      isDarwin = kernel == "darwin";
      isUnix = true;
      isx86_64 = cpu == "x86_64";
      isAarch64 = cpu == "aarch64";
      is64bit = lib.elem cpu [ "x86_64" "aarch64" "riscv64" ];
      isMusl = false;
      isGnu = kernel == "linux";
      isStatic = false;
      parsed = { cpu.name = cpu; kernel.name = kernel; };
      extensions = { sharedLibrary = if kernel == "darwin" then ".dylib" else ".so"; staticLibrary = ".a"; executable = ""; };
    };
  platforms = { inherit linux darwin; unix = linux ++ darwin; all = linux ++ darwin; none = [ ]; };
  systems = { flakeExposed = [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" "x86_64-darwin" ]; };
}
