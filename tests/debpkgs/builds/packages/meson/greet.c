#include <stdio.h>
#include <zlib.h>
int main(void) { return puts(GREETING) < 0 || zlibVersion()[0] != '1'; }
