builtins.fromTOML ''
  title = "TOML \u00e9 \U0001F600" # comment
  [owner]
  name = 'Tom "P"'
  numbers = [ 1_000, 0xDEAD_beef, 0o755, 0b1101, +99, -17, 1.5, 6.626e-34, 1e3, inf ]
  text = """
  two
    lines \
    joined"""
  raw = 'C:\new'
  [[products]]
  sku = 1
  [[products]]
  a.b."c d".e = true
  [products.more]
  empty = {}
  inline = { x = 1, y.z = [ {}, [] ] }
  [x.y.z]
  [x]
  "" = 1
''
