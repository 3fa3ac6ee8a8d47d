with builtins; map functionArgs [ ({ a, b ? 1, ... }: a) ({ }: 1) (x: x) (x@{ y ? x }: y) add (add 1) toString ]
