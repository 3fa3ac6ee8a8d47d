#include "numerals.hpp"
#include <array>
#include <stdexcept>
#include <utility>

std::string roman(int number) {
  if (number < 1 || number > 3999) throw std::out_of_range("no Roman numeral: " + std::to_string(number));
  static constexpr std::array<std::pair<int, const char *>, 13> steps{{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
      {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}}};
  std::string text;
  for (const auto &[value, letters] : steps)
    for (; number >= value; number -= value) text += letters;
  return text;
}
