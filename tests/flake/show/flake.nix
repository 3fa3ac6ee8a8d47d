{
  description = "show";
  outputs = { self }: let d = name: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; } // { meta.description = "about ${name}"; }; in {
    packages.x86_64-linux = { default = d "a"; b = d "b"; notdrv = { x = 1; }; };
    packages.aarch64-linux.default = d "arm";
    packages.riscv = { };
    devShells.x86_64-linux.default = d "shell";
    devShell.x86_64-linux = d "oldshell";
    checks.x86_64-linux.c = d "check";
    apps.x86_64-linux.default = { type = "app"; program = "/x"; meta.description = "an app"; };
    apps.x86_64-linux.plain = { type = "app"; program = "/x"; };
    defaultApp.x86_64-linux = { type = "app"; program = "/x"; };
    legacyPackages.x86_64-linux = { a = d "legacy"; broken = throw "no"; deep.er = d "deep"; };
    formatter.x86_64-linux = d "fmt";
    overlays.default = f: p: { };
    overlay = f: p: { };
    nixosModules.m = { };
    nixosModule = { };
    nixosConfigurations.host = { };
    hydraJobs.j = d "job";
    hydraJobs.sub.k = d "job2";
    templates.t = { path = ./.; description = "tmpl"; };
    defaultTemplate = { path = ./.; description = "dtmpl"; };
    lib = { f = x: x; };
    other = 3;
  };
}
