let x = 1; in [
  ''
    a
    b
  ''
  "c
de" # comment  /* x
 */ x
]
