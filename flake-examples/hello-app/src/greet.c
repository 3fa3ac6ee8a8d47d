#include <stdio.h>
#include <string.h>

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "--version") == 0) {
    printf("greet %s\n", VERSION);
    return 0;
  }
  printf("Hello, %s!\n", count > 1 ? arguments[1] : "world");
  return 0;
}
