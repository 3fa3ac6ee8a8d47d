# Python modules of the inputs of a build, and output that does not differ from build to build.
_addPythonModules() {
  addToSearchPath PYTHONPATH "$1/lib/python3/dist-packages"
  addToSearchPath PYTHONPATH "$1/lib/python3.11/site-packages"
}
addEnvHooks "$hostOffset" _addPythonModules
export DETERMINISTIC_BUILD=1 PYTHONHASHSEED=0 PYTHONNOUSERSITE=1
