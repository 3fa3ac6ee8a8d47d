[ true builtins.true (!true) ]
