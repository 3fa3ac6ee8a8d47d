{
  description = "Functions on words";

  inputs.debpkgs.url = "debpkgs";

  outputs = { self, debpkgs }: {
    lib.join = builtins.concatStringsSep " ";
  };
}
