"""Adds up what a YAML file lists."""

import sys

import jinja2
import yaml

TEMPLATE = jinja2.Template("{% for name, sum in sums.items() %}{{ name }}: {{ sum }}\n{% endfor %}")


def tally(text):
    """Sums by name of a YAML mapping from names to lists of numbers."""
    return {name: sum(numbers) for name, numbers in yaml.safe_load(text).items()}


def main():
    sys.stdout.write(TEMPLATE.render(sums=tally(sys.stdin.read())))


if __name__ == "__main__":
    main()
