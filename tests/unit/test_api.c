/* test_api.c - the table of host calls is whole, and is every handle's */
#include "core_script.h"

/* No plugin looks whether an entry is there. */
static void no_entry_is_missing(void **state)
{
    const unsigned char *bytes = (const unsigned char *)&core_api;
    void (*entry)(void);

    (void)state;
    assert_int_equal(core_api.size, sizeof core_api);
    assert_int_equal(core_api.abi_major, BAY_ABI_MAJOR);
    assert_int_equal(core_api.abi_minor, BAY_ABI_MINOR);
    assert_int_equal(offsetof(bay_api, send), 8);
    for (size_t at = offsetof(bay_api, send); at < sizeof core_api;
         at += sizeof entry) {
        memcpy(&entry, bytes + at, sizeof entry);
        if (entry == NULL) {
            fail_msg("entry %zu is NULL",
                     (at - offsetof(bay_api, send)) / sizeof entry);
        }
    }
}

static int look(bay_conn *conn, bay_request *req)
{
    assert_ptr_equal(conn->api, &core_api);
    assert_ptr_equal(req->api, &core_api);
    assert_ptr_equal(bay_conn_route(conn)->api, &core_api);
    buf_adds(&script.heard, "looked ");
    return 0;
}

static void every_handle_has_it(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    script.on_handshake = look;
    rig_connect(&peer, "/a");
    assert_string_equal(script_heard(), "start handshake looked open ");
    rig_leave(&peer);
}

static int looks_up_theirs(bay_conn *conn, bay_request *req)
{
    assert_ptr_equal(conn->api, rig.core->setup.api);
    assert_ptr_equal(req->api, rig.core->setup.api);
    return 0;
}

/* As the test library does, to put its own calls in between. */
static void another_table(void **state)
{
    bay_api other = core_api;
    struct peer peer;

    (void)state;
    rig.core->setup.api = &other;
    rig_route("/a", &script_plugin);
    assert_ptr_equal(rig.core->routes[0]->handle.api, &other);
    script.on_handshake = looks_up_theirs;
    rig_connect(&peer, "/a");
    rig_leave(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_entry_is_missing),
        SCRIPT_TEST(every_handle_has_it),
        SCRIPT_TEST(another_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
