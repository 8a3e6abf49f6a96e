/* test_machines.c - a small chat on several machines, which lose each other */
#include "puppet.h"

/* One that joins as what its query says, and is told who is there. */
static int enter(bay_conn *conn)
{
    const char *name = bay_conn_query(conn, "name");
    int status = bay_subscribe(conn, "room");

    if (status == BAY_OK) {
        status = bay_join(conn, "room", name, NULL, 0, BAY_UNIQUE);
    }
    if (status == BAY_EEXISTS) {
        bay_close(conn, 4009, "taken");
        return BAY_OK;
    }
    return status == BAY_OK ? bay_history(conn, "room", 10) : status;
}

/* "@ann hi": to her alone; "!ann": closes her; "?": who is here; else to all. */
static int speak(bay_conn *conn, const bay_message *msg)
{
    bay_route *route = bay_conn_route(conn);
    const bay_member *member = NULL;
    char name[16] = "", names[128] = "";

    if (*msg->data == '?') {
        while ((member = bay_member_next(route, "room", member)) != NULL) {
            strcat(strcat(names, " "), member->label);
        }
        return bay_sendf(conn, "here:%s", names);
    }
    if (*msg->data != '@' && *msg->data != '!') {
        return bay_publish(route, "room", BAY_TEXT, msg->data, msg->len, 0);
    }
    sscanf(msg->data + 1, "%15s", name);
    member = bay_member_find(route, "room", name);
    if (member == NULL) {
        return bay_sendf(conn, "nobody");
    }
    if (*msg->data == '!') {
        return bay_close_id(route, member->id, 4001, "out");
    }
    return bay_send_to(route, member->id, BAY_TEXT, msg->data, msg->len) ==
                   BAY_OK
               ? BAY_OK
               : bay_sendf(conn, "away");
}

static void hears_change(bay_route *route, const bay_change *change)
{
    static const char *const words[] = { "?", "+", "-", "~", "x", "all" };

    puppet_hears("%s%s ", words[change->kind],
                 change->member != NULL ? change->member->label : "");
    if (change->kind == BAY_DISPLACED) {
        bay_close_id(route, change->member->id, 4009, "taken");
    }
}

static void be_chat(void)
{
    puppet.open = enter;
    puppet.message = speak;
    puppet.presence = hears_change;
}

static int listens_in(bay_conn *conn, const bay_message *msg)
{
    (void)msg;
    return bay_subscribe(conn, "room");
}

static bay_peer *come(bay_test *test, const char *name, int worker)
{
    const bay_client client = { .worker = worker };
    char target[64];

    snprintf(target, sizeof target, "/puppet?name=%s", name);
    return bay_test_connect_as(test, target, &client);
}

static void expect_here(bay_peer *peer, const char *names)
{
    char line[160];

    snprintf(line, sizeof line, "here:%s", names);
    bay_peer_forget(peer);
    bay_peer_text(peer, "?");
    BAY_EXPECT_TEXT(peer, line);
}

static void talks_across(void **state)
{
    bay_test *test;
    bay_peer *ann, *bob, *cid;
    int far;

    (void)state;
    be_chat();
    test = bay_test_new(&puppet_plugin, NULL);
    far = bay_test_add_machine(test, 2);
    BAY_EXPECT_EQUAL(far, 1);
    BAY_EXPECT_EQUAL(bay_route_worker(bay_test_route(test, far)), 0);
    BAY_EXPECT_EQUAL(bay_route_worker(bay_test_route(test, far + 1)), 1);
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 3);
    BAY_EXPECT_EQUAL(bay_route_worker(bay_test_route(test, 3)), 1);
    ann = come(test, "ann", 0);
    bob = come(test, "bob", far + 1);
    cid = come(test, "cid", 3);
    BAY_EXPECT_CLOSED(come(test, "bob", 0), 4009);
    BAY_EXPECT_CLOSED(come(test, "ann", far), 4009);
    expect_here(bob, " ann cid bob");
    bay_peer_text(bob, "hello");
    BAY_EXPECT_TEXT(ann, "hello");
    BAY_EXPECT_TEXT(bob, "hello");
    BAY_EXPECT_TEXT(cid, "hello");
    bay_peer_text(ann, "@bob psst");
    BAY_EXPECT_TEXT(bob, "@bob psst");
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_SILENT(cid);
    bay_peer_text(bob, "!cid");
    BAY_EXPECT_CLOSED(cid, 4001);
    expect_here(ann, " ann bob");
    bay_test_free(test);
}

static void loses_a_machine(void **state)
{
    bay_test *test;
    bay_peer *ann, *bob, *cid;

    (void)state;
    be_chat();
    test = bay_test_new(&puppet_plugin, NULL);
    bay_test_add_machine(test, 1);
    ann = come(test, "ann", 0);
    bob = come(test, "bob", 1);
    puppet_heard();
    bay_test_cut_machine(test, 1, true);
    bay_peer_text(ann, "lost");
    BAY_EXPECT_SILENT(bob);
    bay_peer_text(ann, "@bob hey"); /* it cannot be known yet */
    BAY_EXPECT_TEXT(ann, "lost");
    BAY_EXPECT_SILENT(ann);
    bay_peer_text(bob, "@ann hey"); /* here it is */
    BAY_EXPECT_TEXT(bob, "away");
    bay_test_advance(test, BAY_TEST_TTL - 1);
    expect_here(ann, " ann bob");
    bay_test_advance(test, 1);
    expect_here(ann, " ann");
    expect_here(bob, " bob");
    BAY_EXPECT_STRING(puppet_heard(), "-bob -ann ");
    cid = come(test, "cid", 1);
    bay_test_cut_machine(test, 1, false);
    BAY_EXPECT_STRING(puppet_heard(), "+cid all all ");
    expect_here(ann, " ann bob cid");
    expect_here(bob, " ann bob cid");
    bay_peer_text(ann, "found");
    BAY_EXPECT_TEXT(bob, "found");
    BAY_EXPECT_TEXT(cid, "found");
    bay_test_free(test);
}

/* A short one: nobody has left, and what changed meanwhile is told. */
static void is_cut_off_for_a_moment(void **state)
{
    bay_test *test;
    bay_peer *ann, *bob;

    (void)state;
    be_chat();
    test = bay_test_new(&puppet_plugin, NULL);
    bay_test_add_machine(test, 1);
    ann = come(test, "ann", 0);
    bob = come(test, "bob", 1);
    puppet_heard();
    bay_test_cut_machine(test, 0, true);
    bay_test_advance(test, BAY_TEST_TTL / 2);
    bay_peer_leave(bob, 1000, NULL);
    bob = come(test, "bob2", 1);
    BAY_EXPECT_STRING(puppet_heard(), "-bob +bob2 ");
    bay_test_cut_machine(test, 0, false);
    BAY_EXPECT_STRING(puppet_heard(), "all all "); /* of both */
    bay_test_advance(test, 2 * BAY_TEST_TTL);
    BAY_EXPECT_STRING(puppet_heard(), "");
    expect_here(ann, " ann bob2");
    expect_here(bob, " ann bob2");
    bay_test_free(test);
}

static void displaces_who_came_later(void **state)
{
    bay_test *test;
    bay_peer *first, *second;

    (void)state;
    be_chat();
    test = bay_test_new(&puppet_plugin, NULL);
    bay_test_add_machine(test, 1);
    bay_test_cut_machine(test, 1, true);
    first = come(test, "ann", 1);
    bay_test_advance(test, 1);
    second = come(test, "ann", 0);
    BAY_EXPECT_STATUS(second, 101);
    BAY_EXPECT_OPEN(second);
    puppet_heard();
    bay_test_cut_machine(test, 1, false);
    BAY_EXPECT_CLOSED(second, 4009);
    BAY_EXPECT_OPEN(first);
    BAY_EXPECT(strstr(puppet_heard(), "xann ") != NULL);
    bay_test_free(test);
}

/* All of a machine, without a word; or one worker of it, which others see. */
static void crashes(void **state)
{
    bay_test *test;
    bay_peer *ann, *bob, *cid;
    int far;

    (void)state;
    be_chat();
    test = bay_test_new(&puppet_plugin, NULL);
    far = bay_test_add_machine(test, 2);
    ann = come(test, "ann", 0);
    bob = come(test, "bob", far);
    cid = come(test, "cid", far + 1);
    bay_test_crash_worker(test, far);
    BAY_EXPECT_CLOSED(bob, BAY_CLOSE_ABNORMAL);
    expect_here(ann, " ann cid");
    expect_here(cid, " ann cid");
    bay_peer_text(ann, "@bob hey");
    BAY_EXPECT_TEXT(ann, "nobody");
    BAY_EXPECT_EQUAL(bay_test_restart_worker(test, far), BAY_OK);
    bob = come(test, "bob", far);
    expect_here(ann, " ann bob cid");

    bay_test_crash_machine(test, far + 1);
    BAY_EXPECT_CLOSED(bob, BAY_CLOSE_ABNORMAL);
    BAY_EXPECT_CLOSED(cid, BAY_CLOSE_ABNORMAL);
    expect_here(ann, " ann bob cid");
    BAY_EXPECT_EQUAL(bay_test_restart_worker(test, far), BAY_OK);
    expect_here(ann, " ann cid"); /* another has the place of bob's worker */
    bay_test_advance(test, BAY_TEST_TTL);
    expect_here(ann, " ann");
    BAY_EXPECT_OPEN(come(test, "cid", far));
    bay_test_free(test);
}

/* On one machine, too, the members of a worker end with it. */
static void crashes_at_home(void **state)
{
    bay_test *test;
    bay_peer *ann, *bob;

    (void)state;
    be_chat();
    test = bay_test_new(&puppet_plugin, NULL);
    bay_test_add_worker(test);
    ann = come(test, "ann", 0);
    bob = come(test, "bob", 1);
    expect_here(ann, " ann bob");
    bay_test_crash_worker(test, 1);
    BAY_EXPECT_CLOSED(bob, BAY_CLOSE_ABNORMAL);
    expect_here(ann, " ann");
    bay_test_free(test);
}

static void keeps_history(void **state)
{
    bay_test *test;
    bay_peer *ann, *bob, *cid, *dan;

    (void)state;
    be_chat();
    test = bay_test_new(&puppet_plugin, "history = 10\nhistory_for = 1h");
    ann = come(test, "ann", 0);
    bay_peer_text(ann, "at home");
    BAY_EXPECT_TEXT(ann, "at home");
    bay_test_add_machine(test, 1);
    bob = come(test, "bob", 1);
    BAY_EXPECT_TEXT(bob, "at home");
    bay_peer_text(bob, "one");
    BAY_EXPECT_TEXT(ann, "one");
    BAY_EXPECT_TEXT(bob, "one");

    bay_test_cut_machine(test, 1, true);
    bay_peer_text(ann, "two");
    bay_peer_text(bob, "three"); /* is kept late */
    BAY_EXPECT_TEXT(bob, "three");
    BAY_EXPECT_SILENT(bob);
    BAY_EXPECT_TEXT(ann, "two");
    BAY_EXPECT_SILENT(ann);
    bay_test_advance(test, 1);
    dan = come(test, "dan", 1);
    BAY_EXPECT_SILENT(dan); /* nothing can be read now */
    BAY_EXPECT_OPEN(dan);
    bay_test_cut_machine(test, 1, false);
    BAY_EXPECT_TEXT(ann, "three");
    BAY_EXPECT_TEXT(bob, "two");     /* and not what it has */
    BAY_EXPECT_TEXT(dan, "at home"); /* late, but all of it */
    BAY_EXPECT_TEXT(dan, "one");
    BAY_EXPECT_TEXT(dan, "two");
    BAY_EXPECT_TEXT(dan, "three");
    BAY_EXPECT_SILENT(dan);
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_SILENT(bob);
    cid = come(test, "cid", 0);
    BAY_EXPECT_TEXT(cid, "at home");
    BAY_EXPECT_TEXT(cid, "one");
    BAY_EXPECT_TEXT(cid, "two");
    BAY_EXPECT_TEXT(cid, "three");
    BAY_EXPECT_SILENT(cid);

    bay_test_crash_machine(test, 0);
    cid = come(test, "cid2", 1);
    BAY_EXPECT_EQUAL(bay_peer_forget(cid), 4);
    bay_test_advance(test, 3600001);
    BAY_EXPECT_SILENT(come(test, "eve", 1));
    bay_test_free(test);
}

/* A worker that has not heard of the topic yet misses nothing of it either. */
static void misses_nothing(void **state)
{
    bay_test *test;
    bay_peer *ann, *bob;

    (void)state;
    be_chat();
    test = bay_test_new(&puppet_plugin, "history = 10");
    ann = come(test, "ann", 0);
    bay_peer_text(ann, "before");
    bay_test_add_machine(test, 1);
    puppet.open = NULL;
    bob = come(test, "bob", 1);
    puppet.message = listens_in;
    bay_peer_text(bob, "");
    puppet.message = speak;
    BAY_EXPECT_SILENT(bob);
    bay_test_cut_machine(test, 1, true);
    bay_peer_text(ann, "one");
    bay_peer_text(ann, "two");
    bay_test_cut_machine(test, 1, false);
    BAY_EXPECT_TEXT(bob, "one");
    BAY_EXPECT_TEXT(bob, "two");
    BAY_EXPECT_SILENT(bob);
    bay_test_free(test);
}

static void counts_each_machine(void **state)
{
    bay_plugin single = puppet_plugin;
    bay_test *test;

    (void)state;
    single.flags = BAY_SINGLE_WORKER;
    test = bay_test_new(&single, "connections = 1");
    BAY_EXPECT_EQUAL(bay_test_add_machine(test, 2), BAY_ESTATE);
    BAY_EXPECT(strstr(bay_test_why(), "BAY_SINGLE_WORKER") != NULL);
    BAY_EXPECT_EQUAL(bay_test_add_machine(test, 1), 1);
    BAY_EXPECT_STATUS(puppet_connect_to(test, 0), 101);
    BAY_EXPECT_STATUS(puppet_connect_to(test, 0), 503);
    BAY_EXPECT_STATUS(puppet_connect_to(test, 1), 101);
    BAY_EXPECT_EQUAL(bay_test_add_machine(test, 1000), BAY_EFULL);
    BAY_EXPECT_EQUAL(bay_test_add_machine(test, 0), BAY_EFULL);
    BAY_EXPECT_EQUAL(bay_test_add_machine(NULL, 1), BAY_EFULL);
    bay_test_cut_machine(test, 7, true);
    bay_test_crash_machine(test, -1);
    bay_test_free(test);
}

static int starts_at_home(bay_route *route)
{
    int *count = bay_route_data(route);

    (void)count;
    return bay_route_worker(route) == 0 ? BAY_OK : BAY_ENOMEM;
}

static void start_fails(void **state)
{
    bay_test *test;

    (void)state;
    puppet.start = starts_at_home;
    test = bay_test_new(&puppet_plugin, NULL);
    BAY_EXPECT(bay_test_add_machine(test, 2) < 0);
    BAY_EXPECT(strstr(bay_test_why(), "out of memory") != NULL);
    BAY_EXPECT_STATUS(puppet_connect_to(test, 1), 101);
    bay_test_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(talks_across),
        PUPPET_TEST(loses_a_machine),
        PUPPET_TEST(is_cut_off_for_a_moment),
        PUPPET_TEST(displaces_who_came_later),
        PUPPET_TEST(crashes),
        PUPPET_TEST(crashes_at_home),
        PUPPET_TEST(keeps_history),
        PUPPET_TEST(misses_nothing),
        PUPPET_TEST(counts_each_machine),
        PUPPET_TEST(start_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
