#include <stdio.h>
#include <zlib.h>
const char *word(void);
int main(void) { return puts(word()) < 0 || zlibVersion()[0] != '1'; }
