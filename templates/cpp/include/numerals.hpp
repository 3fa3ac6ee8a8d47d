#pragma once
#include <string>

/// A number from 1 to 3999 in Roman numerals.
std::string roman(int number);
