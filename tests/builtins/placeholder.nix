map placeholder [ "out" "dev" "" ]
