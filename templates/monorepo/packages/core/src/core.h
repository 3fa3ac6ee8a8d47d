/* The sum of two numbers. */
long core_add(long a, long b);
