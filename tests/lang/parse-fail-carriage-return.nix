a: b:
 c: }