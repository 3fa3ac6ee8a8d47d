builtins.getEnv "FLOE_SURELY_NOT_SET"
