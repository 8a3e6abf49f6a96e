/* nonsense.c - plugins whose descriptors make no sense, one for each KIND */
#include <patchbay.h>

#include <stdint.h>

#ifndef NONSENSE_NAME
#define NONSENSE_NAME "nonsense"
#endif

#ifdef NONSENSE_NO_HOOKS

/* It can be set up and told the time, but no client ever reaches it. */
static int start(bay_route *route)
{
    return bay_timer_set(route, 1, 1000);
}

static void timer(bay_route *route, uint64_t key)
{
    (void)bay_timer_set(route, key, 1000);
}

BAY_PLUGIN = { BAY_INIT, .name = NONSENSE_NAME, .start = start,
               .timer = timer };

#else

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

/* clang-format off */
#define SIDES { "sides", BAY_OPT_INT, "6", "Sides of a die", 2, 100 }
#define END   { NULL, BAY_OPT_END, NULL, NULL, 0, 0 }
#define FOUR  SIDES, SIDES, SIDES, SIDES
#define MANY  FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR
/* clang-format on */

#if defined NONSENSE_WILD
#define OPTIONS ((const bay_option *)(uintptr_t)8)
#else
static const bay_option options[] = {
#if defined NONSENSE_TWICE
    SIDES, SIDES, END
#elif defined NONSENSE_BAD_NAME
    SIDES, { "Dice.Sides", BAY_OPT_INT, "6", "", 0, 0 }, END
#elif defined NONSENSE_BAD_TYPE
    SIDES, { "colour", 17, "red", "", 0, 0 }, END
#elif defined NONSENSE_BAD_RANGE
    { "sides", BAY_OPT_INT, "6", "", 100, 2 }, END
#elif defined NONSENSE_BAD_FALLBACK
    { "sides", BAY_OPT_INT, "six", "", 2, 100 }, END
#elif defined NONSENSE_NO_END
    MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY
#else
    SIDES, END
#endif
};
#define OPTIONS options
#endif

BAY_PLUGIN = { BAY_INIT, .name = NONSENSE_NAME, .options = OPTIONS,
               .message = message };

#endif
