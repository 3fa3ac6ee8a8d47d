#include "core.h"

long core_add(long a, long b) { return a + b; }
