/* twin_a.c - see twin.h */
#define TWIN "twin_a"
#include "twin.h"
