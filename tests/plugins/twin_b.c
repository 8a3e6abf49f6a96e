/* twin_b.c - see twin.h */
#define TWIN "twin_b"
#include "twin.h"
