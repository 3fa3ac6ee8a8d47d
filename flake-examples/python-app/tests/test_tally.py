import unittest

from tally.main import tally


class Tally(unittest.TestCase):
    def test_sums(self):
        self.assertEqual(tally("geese: [1, 2]\nswans: []"), {"geese": 3, "swans": 0})
