map builtins.isList [ [ ] { } "" ]
