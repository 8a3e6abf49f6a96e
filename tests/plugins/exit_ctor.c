/* exit_ctor.c - its constructor ends the process that loads it */
#include <patchbay.h>

#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void construct(void)
{
    puts("exit_ctor: no licence found");
    exit(3);
}

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

BAY_PLUGIN = { BAY_INIT, .name = "exit_ctor", .message = message };
