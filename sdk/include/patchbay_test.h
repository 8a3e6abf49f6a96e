/*
 * patchbay_test.h - run a plugin without a network
 *
 * libpatchbay-test is the host itself, with peers instead of sockets and a
 * clock that only moves when told:
 *
 *     #include <patchbay_test.h>
 *
 *     int main(void)
 *     {
 *         bay_test *test = bay_test_new(&BAY_PLUGIN_SYMBOL, "sides = 20");
 *         bay_peer *ann = bay_test_connect(test, "/dice?name=ann", NULL);
 *
 *         BAY_EXPECT_STATUS(ann, 101);
 *         bay_peer_text(ann, "hello");
 *         BAY_EXPECT_TEXT(ann, "hello ann");
 *         BAY_EXPECT_SILENT(ann);
 *         bay_test_free(test);
 *         return bay_test_summary("dice");
 *     }
 *
 *     cc dice_test.c dice.c -lpatchbay-test -o dice_test
 *
 * Turns. Nothing runs in the background. Each call that can make something
 *   happen returns when all that follows from it has happened: hooks, notices
 *   in other workers, deferred work and its done hooks, closes. What waits for
 *   time to pass waits for bay_test_advance.
 *
 * Threads. One thread makes all calls, and all hooks run on it; deferred work
 *   runs on it too, in turn. Never call this library from inside a hook; after
 *   a hook that was left by longjmp, as by an assertion of cmocka, the only call
 *   for that test is bay_test_free.
 *
 * Strings and messages that a call returns stay the library's. They are valid
 *   until the next call about the same test or peer, unless the call says
 *   otherwise.
 *
 * Names. Programs that link several plugins, or a plugin's sources, see none of
 *   the host's own names: the library exports bay_test_*, bay_peer_* and
 *   bay_expect* only.
 *
 * Sanitizers. Build the plugin and its test with -fsanitize=address,undefined:
 *   blocks, messages and strings that a hook is given are allocations of their
 *   own, so what is read or written beyond them is reported, even though the
 *   library itself was not built so. What a plugin never frees is reported at
 *   the end of the program.
 */
#ifndef PATCHBAY_TEST_H
#define PATCHBAY_TEST_H

#include "patchbay.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* One route with one plugin, in one or more workers. */
typedef struct bay_test bay_test;

/* One client of it. It lives as long as its test, also once it is closed. */
typedef struct bay_peer bay_peer;

/* ---- begin and end ----------------------------------------------------- */

/*
 * Serves a plugin that is linked into the program: &BAY_PLUGIN_SYMBOL, or what
 * that was defined as where several are linked. The start hook has run in
 * worker 0 when this returns.
 *
 * options: lines as they stand in a [route.*] section of patchbay.ini, or NULL.
 * The plugin's own options may be written with its name, "chat.limit = 2",
 * or, as in [plugin.chat], without: "limit = 2". Limits are meant by their
 * names: "send_queue = 8k", "slow_hook = 5ms". Those that are not given have
 * the host's defaults, but for slow_hook, which is 500ms. The path is the
 * plugin's name, "/chat", if no "path = /rooms/" with a star says otherwise.
 *
 * NULL if an option is wrong, the descriptor is refused or start fails: the
 * reason is in bay_test_why, and it is a failure, as of an expectation. Use
 * BAY_EXPECT_REFUSED where that is wanted. All calls take a test or peer that
 * is NULL, and do nothing then.
 */
bay_test *bay_test_new(const bay_plugin *plugin, const char *options);

/* The same, of a plugin that was built: "build/chat.so". Its name has to be
 * that of the file. The file is copied before it is opened, and may be
 * overwritten at any time. */
bay_test *bay_test_load(const char *so_path, const char *options);

/*
 * Closes the peers that are still connected (1001), lets the deferred work that
 * is held back be canceled, stops the instances and frees all, the peers too.
 * Returns the number of complaints of this test; each was printed when it came
 * up. NULL is allowed. The complaints are about
 *
 *   - a bay_conn or bay_request that was used after its last hook,
 *   - host calls from deferred work, which may only call bay_log,
 *   - hooks that ran longer than slow_hook, by the real clock,
 *   - timers whose key is the id of a connection that has closed,
 *   - topics that the hooks of connections listened to or watched, and that
 *     still are after the last connection has closed,
 *   - deferred work, notices or drained hooks that go on for ever.
 */
int bay_test_free(bay_test *test);

/* The next complaint with `part` in it is what the test wants: it is neither
 * printed nor counted. If none comes by then, bay_test_free complains of that.
 * `part` is copied. */
void bay_test_want_complaint(bay_test *test, const char *part);

/* Complaints so far. */
int bay_test_complaints(const bay_test *test);

/* Why the last bay_test_new, _load, _add_worker, _add_machine or _reload of any
 * test failed, as sentences; "" if it did not. Valid until the next of these
 * calls. */
const char *bay_test_why(void);

/* ---- workers ----------------------------------------------------------- */

/* Starts one more worker of the same route. Its number, from 1 on, or an enum
 * bay_error if its start hook fails or the plugin has BAY_SINGLE_WORKER. */
int bay_test_add_worker(bay_test *test);

/* The process of a worker dies: no hook is called, its peers see 1006, what it
 * had under way is lost, its members have left. Its place can be taken by
 * bay_test_restart_worker. */
void bay_test_crash_worker(bay_test *test, int worker);

/* BAY_OK, what the start hook returned, or BAY_ESTATE if it runs already. */
int bay_test_restart_worker(bay_test *test, int worker);

/* The next so many messages from this worker to others are lost, as they may
 * be when a queue is full. What is counted is each bay_publish, bay_send_to and
 * bay_close_id that reaches out of the worker. The host finds what a route with
 * history has kept all the same, and tells again who is in a topic: these are
 * not lost. */
void bay_test_lose(bay_test *test, int worker, int messages);

/* The instance in a worker, to look at its block; NULL if it does not run. Not
 * to make host calls with that change anything. Valid until the worker ends or
 * the plugin is replaced. */
const bay_route *bay_test_route(const bay_test *test, int worker);

/* ---- machines ---------------------------------------------------------- */

/*
 * Workers 0 and those of bay_test_add_worker are one machine. More machines
 * make a cluster with it, as of hosts with one Redis ([cluster]). Workers are
 * numbered through, over all of them, and a machine is named by any of its
 * workers:
 *
 *     int far = bay_test_add_machine(test, 2);
 *     bay_client there = { .worker = far };
 *     bay_peer *ann = bay_test_connect(test, NULL, NULL);
 *     bay_peer *bob = bay_test_connect_as(test, NULL, &there);
 *
 *     bay_test_cut_machine(test, far, true);
 *     bay_test_advance(test, BAY_TEST_TTL);  ann does not see bob any more
 *     bay_test_cut_machine(test, far, false);               and here he is
 *
 * bay_route_worker and the limit `connections` count in each machine by itself.
 */

/* Starts one more machine, with so many workers of the same route. The number
 * of its first worker, the others follow; or an enum bay_error, as of
 * bay_test_add_worker. */
int bay_test_add_machine(bay_test *test, int workers);

/*
 * The machine loses its connection to the others, or, with false, finds it
 * again. Meanwhile it goes on by itself: what is published on either side does
 * not reach the other, bay_send_to is BAY_ENOTFOUND on this side at once,
 * history is not read, and what is to be kept waits. After BAY_TEST_TTL, by
 * bay_test_advance, the members of each side have left on the other. With the
 * connection they are back, and what waited is kept and delivered there; other
 * messages are lost. Redis is away for all: cut off each machine.
 */
void bay_test_cut_machine(bay_test *test, int worker, bool cut);

/* All workers of the machine crash at once, and nobody is told: their members
 * leave on the others after BAY_TEST_TTL. bay_test_restart_worker brings back
 * each. */
void bay_test_crash_machine(bay_test *test, int worker);

/* Milliseconds: after so long, nothing having been heard of it, a machine is
 * gone for the others. */
#define BAY_TEST_TTL 10000

/* ---- clients ----------------------------------------------------------- */

/* What a client is like beyond the URL it asks for; a zeroed struct is one from
 * 127.0.0.1 to worker 0. All is copied. */
typedef struct bay_client {
    const char *headers;      /* "Cookie: a=b\r\nUser-Agent: x\r\n", or NULL */
    const char *subprotocols; /* "v2.chat, v1.chat" as offered, or NULL */
    const char *remote;       /* its address, or NULL */
    int worker;               /* that it happens to come to */
} bay_client;

/*
 * Connects to worker 0. target: path and query as in a URL, "/chat?name=ann",
 * with % escapes; NULL: the route's path. headers: lines that end in \r\n or
 * \n, or NULL. Never NULL: bay_peer_status tells whether it was let in. Origins
 * are not checked here, and only the route of the test is there (404).
 */
bay_peer *bay_test_connect(bay_test *test, const char *target,
                           const char *headers);
bay_peer *bay_test_connect_as(bay_test *test, const char *target,
                              const bay_client *client);

/* The two halves of it: the handshake hook has accepted (bay_peer_status), and
 * the open hook has not run before bay_peer_open. Much may happen in between.
 * open does nothing if the handshake was refused. client may be NULL. */
bay_peer *bay_test_handshake(bay_test *test, const char *target,
                             const bay_client *client);
void bay_peer_open(bay_peer *peer);

/* 101, or the HTTP status it was refused with. */
int bay_peer_status(const bay_peer *peer);

/* A header of the answer to its handshake, the name in any case, or NULL. */
const char *bay_peer_header(const bay_peer *peer, const char *name);

/* What was agreed on; "" if nothing was. */
const char *bay_peer_subprotocol(const bay_peer *peer);

/* The bay_id of its connection; 0 if it was refused. Ids are large, as those
 * of a server that runs for long: do not count on their values. */
bay_id bay_peer_id(const bay_peer *peer);

/* Its handle, while it is connected, to look at its block; else NULL. */
const bay_conn *bay_peer_conn(const bay_peer *peer);

/*
 * Sends a message. BAY_OK, or BAY_ECLOSED if the connection is closed or the
 * peer has sent a Close. While the plugin does not read (bay_pause, or a send
 * queue over half full), it is kept and delivered later, in order. Text that is
 * not UTF-8 or longer than max_message is what a bad client sends: it is closed
 * with 1007 or 1009.
 */
int bay_peer_text(bay_peer *peer, const char *text);
int bay_peer_binary(bay_peer *peer, const void *data, size_t len);
int bay_peer_send(bay_peer *peer, bay_kind kind, const void *data, size_t len);

/* Sends a piece of a message; fin: the last. With BAY_PIECES, each reaches the
 * message hook by itself. kind is that of the first. */
int bay_peer_piece(bay_peer *peer, bay_kind kind, const void *data, size_t len,
                   bool fin);

/* Leaves with a Close frame of this code and reason (UTF-8, at most 123 bytes,
 * or NULL); 1005: one without a code. 0: just goes away, and the close hook
 * hears 1006. Does nothing if it is closed. */
void bay_peer_leave(bay_peer *peer, int code, const char *reason);

/* ---- clients that come back -------------------------------------------- */

/*
 * A peer that offers "patchbay.resume.v1", or that with + and a subprotocol of
 * the plugin's, is a client as sdk/doc/resume.md wants it, if the route has
 * `history`: the host's lines are taken off what it gets, and it knows where it
 * stands.
 *
 *     bay_client client = { .subprotocols = "patchbay.resume.v1" };
 *     bay_peer *ann = bay_test_connect_as(test, "/chat?name=ann", &client);
 *
 *     bay_peer_leave(ann, 0, NULL);
 *     bay_peer_text(bob, "where are you?");
 *     ann = bay_peer_resume(ann, 0);
 *     BAY_EXPECT_EQUAL(bay_peer_missed(ann), 1);
 *     BAY_EXPECT_TEXT(ann, "where are you?");
 */

/* Connects again, to this worker, with what it was like and asked for before,
 * and says how far it has come with all that it got; one that cannot resume
 * just connects. A peer that is still connected goes away first; but the host
 * does not know that of one that is unplugged, and goes on with it beside the new
 * one until a ping is not answered. The new peer;
 * never NULL. */
bay_peer *bay_peer_resume(bay_peer *peer, int worker);

/* How many messages it was given because it had missed them; -1: in some topic,
 * what it missed is not kept any more. */
long bay_peer_missed(const bay_peer *peer);

/* ---- what a client gets ------------------------------------------------ */

/* The oldest message that was not looked at yet, or NULL. fin is true. Valid
 * until the next call that looks at this peer's messages. */
const bay_message *bay_peer_next(bay_peer *peer);

/* How many there are; and drops them, returning how many that were. */
size_t bay_peer_waiting(const bay_peer *peer);
size_t bay_peer_forget(bay_peer *peer);

/* The close code it got, also as the answer to its own Close; 1005: without a
 * code; 1006: it was cut off without a Close; 0: it is connected, or never was.
 * And the reason that came along, "" if none did. */
int bay_peer_closed(const bay_peer *peer);
const char *bay_peer_reason(const bay_peer *peer);

/*
 * Back-pressure. From now on the client takes so many bytes, frames' heads
 * included, and then none: what is sent to it stays in the send queue, and
 * bay_send says BAY_EFULL in the end. BAY_ALL: takes all again, beginning with
 * what waits; drained hooks have run when this returns.
 */
void bay_peer_take(bay_peer *peer, size_t bytes);
#define BAY_ALL SIZE_MAX

/* The cable is pulled: nothing goes either way, and nobody is told. The host
 * finds out by its pings, with bay_test_advance. */
void bay_peer_unplug(bay_peer *peer);

/* ---- plain HTTP -------------------------------------------------------- */

/*
 * A request without an upgrade, for the http hook. client may be NULL, and body
 * too if len is 0. Returns the status: of bay_req_reply, of what the hook
 * returned, 500 if it failed, 426 if the plugin has no such hook, 404 if the
 * path is not the route's, 413 if the body is longer than max_message.
 */
int bay_test_request(bay_test *test, const char *method, const char *target,
                     const bay_client *client, const void *body, size_t len);
int bay_test_get(bay_test *test, const char *target);

/* Of the last answer: its body, of kind BAY_BINARY, never NULL; and a header,
 * the name in any case, or NULL. Content-Type is one of them. */
const bay_message *bay_test_body(const bay_test *test);
const char *bay_test_header(const bay_test *test, const char *name);

/* ---- time -------------------------------------------------------------- */

/* Lets so many milliseconds pass: each timer fires at its time. */
void bay_test_advance(bay_test *test, uint64_t ms);

/* The same, with all workers stopped meanwhile: timers are late, and what came
 * in meanwhile is dealt with at the end, as after a suspend. */
void bay_test_stall(bay_test *test, uint64_t ms);

/* What bay_now_ms says. */
uint64_t bay_test_now(const bay_test *test);

/* When the next timer of the plugin or the host is due; UINT64_MAX: none. */
uint64_t bay_test_next_timer(const bay_test *test);

/* ---- deferred work ----------------------------------------------------- */

/* From now on deferred work waits for bay_test_run_work; or, with false, runs
 * by itself again, beginning with what waits. */
void bay_test_hold_work(bay_test *test, bool hold);

/* Runs the oldest that waits, its done hook, and all that follows. False: none
 * waits. */
bool bay_test_run_work(bay_test *test);

/* How much waits. */
size_t bay_test_work(const bay_test *test);

/* ---- failures ---------------------------------------------------------- */

/*
 * The nth of the host calls that can fail, counted from now (1: the next),
 * returns this error and does nothing; those before and after work. They are:
 * bay_send, bay_send_text, bay_send_binary, bay_sendf, bay_close, bay_send_to,
 * bay_close_id, bay_subscribe, bay_unsubscribe, bay_listen, bay_unlisten,
 * bay_publish, bay_timer_set, bay_timer_clear, bay_defer, bay_join, bay_leave,
 * bay_watch, bay_unwatch, bay_history, bay_req_add_header and bay_req_reply.
 * test NULL: of the next test that is made, to make its start fail. nth 0 calls
 * it off.
 */
void bay_test_fail(bay_test *test, int nth, int error);

/* The same, counting one call only: "bay_publish"; "bay_send" stands for
 * bay_send_text and bay_send_binary, too. call is kept as it is: a literal. */
void bay_test_fail_call(bay_test *test, const char *call, int nth, int error);

/* Whether the failure that was set last has come up. To try each in turn:
 * for (n = 1;; n++) { a new test; bay_test_fail(test, n, BAY_ENOMEM); ...;
 * if (!bay_test_failed(test)) there are no more calls: the end }. */
bool bay_test_failed(const bay_test *test);

/* ---- reload ------------------------------------------------------------ */

/*
 * What `patchbay reload` does, in all workers: other options, or another
 * version of the plugin. plugin NULL: the code as it is; options NULL: the
 * options as they are, else all of them anew. Returns BAY_OK; or, with nothing
 * changed and the reason in bay_test_why, BAY_EINVAL if the new version is
 * refused, and BAY_ESTATE if deferred work is held back that has to end first.
 */
int bay_test_reload(bay_test *test, const bay_plugin *plugin,
                    const char *options);
int bay_test_reload_from(bay_test *test, const char *so_path,
                         const char *options);

/* What came of the last reload. way: "unchanged", "options", "swapped",
 * "migrated", "replaced" or "failed"; why: of a failure, else "". The numbers
 * are of connections, in all workers: those that have the new code, those that
 * stay with the old until they close, and those that were closed (1012). */
typedef struct bay_reloaded {
    const char *way;
    const char *why;
    size_t kept;
    size_t outdated;
    size_t closed;
} bay_reloaded;
const bay_reloaded *bay_test_reloaded(const bay_test *test);

/* ---- the log ----------------------------------------------------------- */

/* The oldest line, of the plugin or the host, that was not looked at yet,
 * without its time: "info #4294967297 127.0.0.1: joined"; NULL: none. Debug
 * lines are among them, and the last 1000 are kept. */
const char *bay_test_log(bay_test *test);

/* Which lines also go to standard error: BAY_WARN and worse, if this is not
 * called. 0: none. For all tests. */
void bay_test_print_log(bay_level level);

/* ---- expectations ------------------------------------------------------ */

/*
 * Each prints, when it fails, the place in the test, what came and what was
 * wanted, to standard error, and counts; the test goes on. The value is whether
 * it held, for assert_true of cmocka or to return early. Messages are looked at
 * in order: each TEXT, HAS and BINARY takes one.
 */
#define BAY_EXPECT(condition) \
    bay_expect(__FILE__, __LINE__, #condition, (condition))

/* Two numbers. */
#define BAY_EXPECT_EQUAL(got, wanted)                          \
    bay_expect_equal(__FILE__, __LINE__, #got, (int64_t)(got), \
                     (int64_t)(wanted))

/* Two strings; NULL equals NULL only. */
#define BAY_EXPECT_STRING(got, wanted) \
    bay_expect_string(__FILE__, __LINE__, #got, got, wanted)

/* The next message of the peer is this text. */
#define BAY_EXPECT_TEXT(peer, text) \
    bay_expect_text(__FILE__, __LINE__, #peer, peer, text)

/* The next message of the peer is a text with this in it. */
#define BAY_EXPECT_HAS(peer, part) \
    bay_expect_has(__FILE__, __LINE__, #peer, peer, part)

/* The next message of the peer is binary, of these bytes. */
#define BAY_EXPECT_BINARY(peer, data, len) \
    bay_expect_binary(__FILE__, __LINE__, #peer, peer, data, len)

/* No message waits. */
#define BAY_EXPECT_SILENT(peer) \
    bay_expect_silent(__FILE__, __LINE__, #peer, peer)

/* bay_peer_status is this. */
#define BAY_EXPECT_STATUS(peer, status) \
    bay_expect_status(__FILE__, __LINE__, #peer, peer, status)

/* bay_peer_closed is this. Messages that came before need not be looked at. */
#define BAY_EXPECT_CLOSED(peer, code) \
    bay_expect_closed(__FILE__, __LINE__, #peer, peer, code)

/* It is connected. */
#define BAY_EXPECT_OPEN(peer) bay_expect_open(__FILE__, __LINE__, #peer, peer)

/* A line of the log that was not looked at yet has this in it; those before it
 * are skipped. */
#define BAY_EXPECT_LOG(test, part) \
    bay_expect_log(__FILE__, __LINE__, test, part)

/* bay_test_new would fail, with this in its reason. */
#define BAY_EXPECT_REFUSED(plugin, options, part) \
    bay_expect_refused(__FILE__, __LINE__, plugin, options, part)

/* What the macros call. name: how the test calls the peer. */
bool bay_expect(const char *file, int line, const char *what, bool holds);
bool bay_expect_equal(const char *file, int line, const char *what, int64_t got,
                      int64_t wanted);
bool bay_expect_string(const char *file, int line, const char *what,
                       const char *got, const char *wanted);
bool bay_expect_text(const char *file, int line, const char *name,
                     bay_peer *peer, const char *text);
bool bay_expect_has(const char *file, int line, const char *name,
                    bay_peer *peer, const char *part);
bool bay_expect_binary(const char *file, int line, const char *name,
                       bay_peer *peer, const void *data, size_t len);
bool bay_expect_silent(const char *file, int line, const char *name,
                       bay_peer *peer);
bool bay_expect_status(const char *file, int line, const char *name,
                       bay_peer *peer, int status);
bool bay_expect_closed(const char *file, int line, const char *name,
                       bay_peer *peer, int code);
bool bay_expect_open(const char *file, int line, const char *name,
                     bay_peer *peer);
bool bay_expect_log(const char *file, int line, bay_test *test,
                    const char *part);
bool bay_expect_refused(const char *file, int line, const bay_plugin *plugin,
                        const char *options, const char *part);

/* Calls this with each failure and complaint instead of printing it: text is
 * several lines, the first beginning with the place. NULL: prints again. It may
 * leave by longjmp, as fail_msg of cmocka does. */
void bay_expect_report(void (*report)(const char *text));

/* Expectations that failed, and complaints of all tests, since the program
 * began. */
int bay_expect_failures(void);

/* Prints "dice: 12 expectations, all held" or what did not, to standard output,
 * and returns what main should: 0, or 1 if anything failed, a complaint came up
 * or nothing was expected at all. Tests that were not freed count, too. */
int bay_test_summary(const char *name);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* PATCHBAY_TEST_H */
