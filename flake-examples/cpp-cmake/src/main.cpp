#include "numerals.hpp"
#include <iostream>
#include <zlib.h>

int main(int argc, char **argv) {
  if (argc == 2 && std::string(argv[1]) == "--version") {
    std::cout << "roman 1.0, zlib " << zlibVersion() << "\n";
    return 0;
  }
  try {
    for (int i = 1; i < argc; i++) std::cout << roman(std::stoi(argv[i])) << "\n";
  } catch (const std::exception &error) {
    std::cerr << "roman: " << error.what() << "\n";
    return 1;
  }
}
