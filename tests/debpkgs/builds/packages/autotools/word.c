const char *word(void) { return "hallo"; }
