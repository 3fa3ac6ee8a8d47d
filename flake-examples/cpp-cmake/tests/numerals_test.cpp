#include "numerals.hpp"
#include <iostream>

int main() {
  int failed = 0;
  auto expect = [&](int number, const std::string &wanted) {
    if (roman(number) == wanted) return;
    std::cerr << number << " gave " << roman(number) << ", not " << wanted << "\n";
    failed++;
  };
  expect(4, "IV");
  expect(1996, "MCMXCVI");
  expect(3999, "MMMCMXCIX");
  return failed;
}
