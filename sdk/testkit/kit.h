/* kit.h - the test library's own structs and what its files know each other by
 *
 * It drives core as net does, and looks into its structs where a test wants to
 * know what a client could not see.
 */
#ifndef PATCHBAY_TESTKIT_KIT_H
#define PATCHBAY_TESTKIT_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <patchbay_test.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "core/core-t.h"

#define KIT_LOG_LINES 1000

/* What a client sends or got, in order. */
struct kit_item {
    struct kit_item *next;
    bay_message message;
    int code; /* of KIT_CLOSE */
    enum { KIT_PIECE = 1, KIT_CLOSE, KIT_GONE } what;
    char data[];
};

struct kit_queue {
    struct kit_item *head;
    struct kit_item **end;
    size_t count;
};

/* One version of the plugin: linked into the program, or a file. */
struct kit_code {
    unsigned refs;
    bay_plugin plugin; /* as descriptor_read made it */
    char id[32];       /* tells versions apart */
    struct image *image;
};

/* What a route is made of. */
struct kit_setting {
    unsigned refs;
    struct kit_code *code;
    struct conf *conf;
};

/* What a connection's hook asked for, and should take back. */
struct kit_claim {
    struct kit_claim *next;
    bay_route *route;
    uint64_t key; /* of a timer; 0: it is a topic, that is listened to... */
    bool watched; /* ...or this */
    char topic[TOPICS_NAME_MAX + 1];
};

struct kit_interest {
    struct kit_interest *next;
    char topic[TOPICS_NAME_MAX + 2]; /* core's own are longer by one */
};

enum kit_errand {
    KIT_PUBLISH = 1,
    KIT_SEND_TO,
    KIT_CLOSE_ID,
    KIT_SETTLED, /* from here on: to the worker itself */
    KIT_KEPT,
    KIT_REPLAY, /* a question, to be answered when it comes */
};

/* On its way from one worker to another. */
struct kit_letter {
    struct kit_letter *next;
    enum kit_errand what;
    int to;
    bay_id id; /* whom, or whom not */
    int code;
    bay_kind kind;
    struct position at; /* of KIT_KEPT, as the next three */
    bay_id publisher;
    uint64_t time_ms;
    bool late;
    struct query query; /* of KIT_REPLAY */
    size_t len;
    char topic[TOPICS_NAME_MAX + 2];
    char data[]; /* with a 0 byte */
};

/* Whom a worker believes in another's place, and until when, if nothing more
 * is heard of it. */
struct kit_known {
    bay_id id; /* 0: nobody */
    uint64_t until_ms;
};

struct kit_machine {
    bool cut;                   /* off from the others */
    struct kit_letter *waiting; /* to be kept, later */
    struct kit_letter **waiting_end;
};

/* A message that was kept late: its machine has it already. */
struct kit_late {
    struct kit_late *next;
    struct position at;
};

struct kit_worker {
    struct kit_worker *next; /* of the dead */
    struct bay_test *test;
    int number;
    int machine;
    int place; /* on its machine */
    unsigned incarnation;
    struct core *core; /* NULL: it does not run */
    struct worker_stats *stats;
    uint64_t alarm_ms;
    bool woken;
    bool dead; /* crashed: its hooks run once more when the test is over */
    int lose;  /* messages to other workers */
    struct kit_interest *interests;
    struct kit_claim *claims;
    uint64_t slow_hooks; /* those that were complained of */
    struct kit_known known[CONF_MAX_WORKERS];
};

/* Deferred work that was not begun. */
struct kit_work {
    struct kit_work *next;
    struct kit_worker *worker;
    struct job *job;
};

/* Kept to the end, so that a handle which a plugin kept can be told. */
struct kit_request {
    struct request is; /* must be first */
    struct kit_request *next;
    char *path;
    char *headers;
    char *body;
    struct buf query;
};

struct kit_complaint {
    struct kit_complaint *next;
    char *text;
    bool told;
};

struct kit_want {
    struct kit_want *next;
    bool met;
    char part[];
};

/* How far a client has come that can resume. */
struct kit_resume {
    char id[24];
    struct kit_point *points;
    long missed;
};

struct bay_peer {
    struct bay_peer *next;
    struct bay_test *test;
    struct kit_worker *worker;
    struct conn *conn; /* NULL: refused, or over */
    int status;
    bay_id id;
    char *headers; /* of the request: packed "name: value" strings */
    char *answer;  /* the same, of the answer */
    char *subprotocol;

    /* What it is like, and asked for. */
    char *target;
    char *lines; /* of headers */
    char *offered;
    char *remote;
    bool resumes; /* the host says where its messages stand */
    struct kit_resume resume;

    /* What the host sends. */
    struct buf wire;  /* the start of a frame */
    struct buf whole; /* fragments of a message */
    bay_kind kind;    /* of it */
    struct buf rest;  /* of a frame that was taken in part */
    size_t room;      /* bytes it takes; SIZE_MAX: all */
    bool wants_write; /* core waits to be told of room */
    bool shut;        /* core gives it up */
    bool pong;        /* is due */
    bool got_close;
    bool sent_close;
    bool unplugged;
    int closed;
    char reason[124];
    struct kit_queue inbox;
    struct kit_item *last; /* what bay_peer_next returned */

    /* What the client sends, while it is not read. */
    bool reading;
    bool midway; /* the last piece was not the end of its message */
    bool left;   /* nothing follows what is in the outbox */
    struct kit_queue outbox;
};

struct bay_test {
    struct bay_test *next;
    char *name;    /* of the plugin */
    char *options; /* as given last */
    uint64_t now_ms;
    struct kit_setting *setting;
    struct kit_worker *workers[CONF_MAX_WORKERS];
    int worker_count;
    struct kit_machine machines[CONF_MAX_WORKERS];
    int machine_count;
    struct kit_worker *ghosts; /* workers that crashed */
    struct archive *archive; /* what routes with history keep; of all workers */
    struct kit_late *late;   /* of it */
    struct bay_peer *peers;  /* in order */
    struct bay_peer **peers_end;
    struct kit_letter *letters;
    struct kit_letter **letters_end;

    struct kit_work *work;
    bool hold;
    bool in_work;

    const char *fail_call; /* NULL: any */
    int fail_in;           /* 1: the next; 0: none */
    int fail_error;
    bool failed;

    struct kit_complaint *complaints;
    struct kit_want *wants;

    char *lines[KIT_LOG_LINES]; /* a ring */
    unsigned line_first, line_count;
    char *line; /* what bay_test_log returned */

    struct kit_request *requests;
    bay_reloaded reloaded;
    char reloaded_why[160];

    bay_message body;
    char *body_data;
    char *answer;
};

/* What all tests of the program share. */
extern struct kit {
    struct bay_test *tests;
    struct bay_test *running; /* whose core is called */
    int expectations;
    int failures;
    int complaints;
    void (*report)(const char *text);
    bay_level print_level;
    char why[2048];
    int next_fail_in; /* of bay_test_fail(NULL) */
    int next_fail_error;
    const char *next_fail_call;
} kit;

/* test.c: why something could not be made. */
__attribute__((format(printf, 1, 2))) void kit_why(const char *format, ...);

struct bay_test *kit_test_create(const bay_plugin *plugin, const char *options);

/* memory.c: the end of the program if there is none, so that no test has to
 * look for it. */
void *kit_alloc(size_t size);
char *kit_copy(const char *text); /* NULL for NULL */

/* code.c */
struct kit_code *kit_code_link(const bay_plugin *plugin);
struct kit_code *kit_code_load(const char *so_path);
void kit_code_unref(struct kit_code *code);

/* setting.c: takes nothing; NULL, and kit_why was called. path: of a route
 * whose options name none; NULL: the plugin's name. */
struct kit_setting *kit_setting_create(struct kit_code *code,
                                       const char *options, const char *path);
void kit_setting_unref(void *setting);
/* With a reference to setting, which core gives back. */
struct core_route kit_core_route(struct kit_setting *setting);

/* test.c */
int kit_start_next(struct bay_test *test, int machine);
void kit_crash(struct kit_worker *worker);

/* worker.c */
int kit_worker_start(struct kit_worker *worker);
void kit_worker_end(struct kit_worker *worker);
void kit_ghost_end(struct kit_worker *ghost);
struct instance *kit_instance(const struct kit_worker *worker);

/* bus.c */
extern const struct bus kit_bus, kit_far_bus; /* one machine; several */
bool kit_bus_deliver(struct bay_test *test);
void kit_bus_forget(struct kit_worker *worker);
struct kit_letter *kit_bus_letter(enum kit_errand what, int to,
                                  const char *topic, const void *data,
                                  size_t len);
void kit_bus_post(struct bay_test *test, struct kit_letter *letter);
/* Whether it gets what is published. */
bool kit_bus_wants(struct kit_worker *worker, const char *topic);
int kit_bus_publish(struct kit_worker *from, const char *topic, bay_kind kind,
                    const void *data, size_t len, bay_id except);

/* machine.c: who is cut off from whom, and who knows of whom. */
const struct bus *kit_bus_of(const struct bay_test *test);
void kit_settles(struct kit_worker *worker, const char *topic);
bool kit_reaches(const struct kit_worker *a, const struct kit_worker *b);
bool kit_knows(const struct kit_worker *worker, bay_id id, int number);
void kit_meet(struct kit_worker *worker);
void kit_part(struct kit_worker *dead);
uint64_t kit_machines_next(const struct bay_test *test);
void kit_machines_tick(struct bay_test *test);

/* kept.c: history over machines. */
int kit_append(void *self, const char *route, const char *topic,
               const struct keep *keep, bay_kind kind, const void *data,
               size_t len, bay_id except);
int kit_replay(void *self, const char *route, const char *topic,
               const struct query *query);
void kit_kept_deliver(struct core *core, const char *route,
                      const struct kit_letter *letter);
void kit_kept_answer(struct kit_worker *worker, const char *route,
                     const struct kit_letter *question);
void kit_keep_waiting(struct bay_test *test, int machine);
void kit_drop_waiting(struct kit_machine *machine);
void kit_drop_late(struct bay_test *test);

/* settle.c: until nothing is left to do but to wait. */
void kit_settle(struct bay_test *test);
void kit_drop_work(struct kit_worker *worker);

/* transport.c */
extern const struct transport kit_transport;
void kit_peer_take_bytes(struct bay_peer *peer, const void *data, size_t len);

/* connect.c: a worker that runs, or NULL and a complaint. */
struct kit_worker *kit_worker_at(struct bay_test *test, int number);

/* request.c: from a client that asks for a target; NULL: the route's path. */
struct request *kit_request(struct bay_test *test, const char *method,
                            const char *target, const bay_client *client,
                            const void *body, size_t len);
char *kit_default_path(const struct bay_test *test);
void kit_free_requests(struct bay_test *test);

/* resume.c: where the message begins, behind the line; SIZE_MAX: it is none. */
size_t kit_resume_take(struct kit_resume *resume, const char *data, size_t len);
void kit_resume_free(struct kit_resume *resume);

/* peer.c: what a peer has to do; whether that was anything. */
bool kit_peer_act(struct bay_peer *peer);
void kit_peer_end(struct bay_peer *peer, int code);
void kit_peer_free(struct bay_peer *peer);

/* queue.c */
void kit_queue_add(struct kit_queue *queue, struct kit_item *item);
struct kit_item *kit_queue_take(struct kit_queue *queue);
void kit_queue_clear(struct kit_queue *queue);
struct kit_item *kit_item(bay_kind kind, const void *data, size_t len,
                          bool fin);

/* target.c: a URL's path and query, decoded; header lines. */
char *kit_path(const char *target);
void kit_query(const char *target, struct buf *packed);
char *kit_pack_headers(const char *lines);
const char *kit_find_header(const char *packed, const char *name);

/* calls.c: the table of host calls, some of which fail when told. */
extern const bay_api *kit_calls(void);
void kit_check_claims(struct kit_worker *worker);
void kit_drop_claims(struct kit_worker *worker);

/* log.c */
void kit_log_begin(void);
void kit_log_free(struct bay_test *test);

/* complain.c */
__attribute__((format(printf, 2, 3))) void
kit_complain(struct bay_test *test, const char *format, ...);
void kit_report_complaints(struct bay_test *test);
void kit_check_wants(struct bay_test *test);
void kit_report_last(const char *name, struct kit_complaint *list);

/* expect.c: to who reports, or standard error. */
void kit_tell(const char *text);
__attribute__((format(printf, 1, 2))) void kit_fail(const char *format, ...);

#endif
