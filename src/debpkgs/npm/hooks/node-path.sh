# What lies in lib/node_modules of an input is found by `require`.
_addNodePath() { addToSearchPath NODE_PATH "$1/lib/node_modules"; }
addEnvHooks "$hostOffset" _addNodePath
