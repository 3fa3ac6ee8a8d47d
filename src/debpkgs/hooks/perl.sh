# Perl modules of the inputs of a build.
_addPerlModules() {
  addToSearchPath PERL5LIB "$1/share/perl5"
  addToSearchPath PERL5LIB "$1/lib/x86_64-linux-gnu/perl5/5.36"
  addToSearchPath PERL5LIB "$1/lib/perl5/site_perl"
}
addEnvHooks "$hostOffset" _addPerlModules
