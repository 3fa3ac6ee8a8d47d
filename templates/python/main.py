import sys

import yaml

print(yaml.safe_dump({"arguments": sys.argv[1:], "python": sys.version.split()[0]}), end="")
