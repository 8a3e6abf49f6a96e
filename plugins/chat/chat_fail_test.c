/* chat_fail_test.c - each host call of a small chat fails once, in turn */
#include "chat_test_peer.h"

static bay_test *test;

/* Two who talk, in two workers, while all goes well. */
static void chat(void)
{
    const bay_client client = { .worker = 1 };
    bay_peer *ann = bay_test_connect(test, "/chat?name=ann&key=secret", NULL);
    bay_peer *bob = bay_test_connect_as(test, "/chat?name=bob", &client);

    say(ann, "hello");
    say(bob, "hi");
    tell(ann, "bob", "psst");
    bay_peer_text(bob, "nonsense");
    bay_test_connect(test, "/chat?name=ann&key=secret", NULL);
    bay_peer_leave(bob, BAY_CLOSE_NORMAL, NULL);
    bay_test_advance(test, 10000);
}

/* Afterwards, whatever was lost, the chat is as good as new. */
static void expect_a_chat(void)
{
    bay_peer *eve, *fay;

    eve = bay_test_connect(test, "/chat?name=eve&room=new", NULL);
    BAY_EXPECT_STATUS(eve, 101);
    EXPECT_TYPE(eve, "welcome");
    fay = bay_test_connect(test, "/chat?name=fay&room=new", NULL);
    EXPECT_TYPE(fay, "welcome");
    EXPECT_MOVED(eve, "join", "fay");
    say(fay, "all is well");
    EXPECT_SAID(eve, "all is well");
    EXPECT_SAID(fay, "all is well");
    bay_peer_leave(fay, BAY_CLOSE_NORMAL, NULL);
    EXPECT_MOVED(eve, "leave", "fay");
    BAY_EXPECT_SILENT(eve);
}

int main(void)
{
    static const int errors[] = { BAY_ENOMEM, BAY_EFULL, BAY_ECLOSED };
    bool more = true;
    int n;

    bay_test_print_log(BAY_ERROR - 1);
    for (n = 1; more; n++) {
        test = bay_test_new(&BAY_PLUGIN_SYMBOL, "history = 10");
        BAY_EXPECT_EQUAL(bay_test_add_worker(test), 1);
        bay_test_fail(test, n, errors[n % 3]);
        chat();
        more = bay_test_failed(test);
        bay_test_fail(test, 0, 0);
        expect_a_chat();
        forget_json();
        BAY_EXPECT_EQUAL(bay_test_free(test), 0);
    }
    BAY_EXPECT(n > 20);
    return bay_test_summary("chat, when calls fail");
}
