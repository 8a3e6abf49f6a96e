/* fuzz_redis.c - the bus between machines, and a Redis that says anything
 *
 * The bus is the real one; core, the siblings, the clock and Redis are played.
 * The front of an input is what happens to the bus, its end is what Redis
 * answers. After it Redis is as it should be: then the bus has to be so, too.
 */
#include "near_core.h"

/* ---- what happens ------------------------------------------------------ */

/* A text that begins with the number; seldom a long one. */
static size_t write_text(char text[4096], unsigned number, unsigned how)
{
    size_t len = how >= 0xf0 ? 3000 : how % 32;
    int head = snprintf(text, 4096, "%u ", number);

    memset(text + head, 'x', len);
    return (size_t)head + len;
}

static void append(void)
{
    unsigned how = grow_front();
    struct message *message = &core.messages[core.message_count];
    struct keep keep = { 1 + how % 20, 3600000 };
    char text[4096];
    size_t len = write_text(text, core.message_count, how);
    int status;

    if (core.message_count == MESSAGES) {
        return;
    }
    core.message_count++;
    message->accepted = true;
    status = redis_bus_table()->append(core.bus, "r", how & 0x20 ? "b" : "a",
                                       &keep, BAY_TEXT, text, len, 42);
    fuzz_check(status == 0 || status == BAY_ESTATE || status == BAY_EFULL);
    message->accepted = status != BAY_EFULL;
    message->late = status != 0;
}

static void replay(void)
{
    unsigned how = grow_front();
    struct query query = { .max = how >> 3 & 7,
                           .whole = (how & 0x40) != 0,
                           .bytes = how & 0x80 ? 50 : 1 << 16 };

    switch (how & 3) {
    case 0: break;
    case 1: query.after = core.last; break;
    case 2: query.after = core.head; break;
    default:
        query.after = (struct position){ core.head.epoch | 1, grow_front() };
    }
    if (how & 4) {
        query.keep = (struct keep){ 1 + grow_front() % 16, 3600000 };
    }
    (void)ask(how & 0x20 ? "b" : "a", query);
}

static void interest(void)
{
    unsigned how = grow_front();

    want(how, how < 0xa0);
}

static void publish(void)
{
    unsigned how = grow_front();
    char text[4096];
    size_t len = write_text(text, 0, how);

    (void)redis_bus_table()->publish(core.bus, "r", how & 0x20 ? "\001p" : "a",
                                     how & 0x40 ? BUS_NEWS : BAY_TEXT, text,
                                     len, 42);
}

static void send_or_close(void)
{
    unsigned how = grow_front();
    bay_id id = id_make(2 - (how & 1), how >> 1 & 1, how >> 2 & 3, how >> 4);

    if (how >= 0x80) {
        (void)redis_bus_table()->close_id(core.bus, "r", id, 4001, "bye");
    } else {
        (void)redis_bus_table()->send_to(core.bus, "r", id, BAY_TEXT, "x", 1);
    }
}

static void sibling(void)
{
    unsigned how = grow_front();

    redis_bus_sibling(core.bus, id_make(1, 1, how / 2, 0), how % 2);
}

static void wait_some(void)
{
    unsigned how = grow_front();

    if (how == 0xff) { /* this process stood still */
        core.now_ns += UINT64_C(30000000000);
    }
    pass(how < 0x80 ? how * 10 : (how - 0x70) * 200);
}

/* To the feed, as if somebody had published it. */
static void push(void)
{
    static const char *const channels[] = {
        "pb:x:all",   "pb:x:w:0100000100000000",
        "pb:x:t:r:a", "pb:x:t:r:b",
        "pb:x:t:r:c", "pb:x:t:"
    };
    struct far_peer *feed = far_feed();
    unsigned how = grow_front();

    if (feed == NULL) {
        return;
    }
    buf_adds(&far.out, "*3\r\n");
    grow_text(&far.out, how < 0xc0 ? "message" : GROW_PICK(grow_words, how));
    grow_text(&far.out, GROW_PICK(channels, how));
    if (how & 0x20) {
        grow_kept(&far.out, (struct position){ 7, 1 + how });
    } else if (how & 0x10) {
        grow_tree(&far.out, 0);
    } else {
        grow_envelope(&far.out, "", 0);
    }
    far_write(feed);
}

/* Nobody has asked for that. */
static void say(void)
{
    unsigned how = grow_front();
    struct far_peer *peer = &far.peers[how % FAR_PEERS];

    far.lied = true;
    if (how & 0x80) {
        grow_tree(&far.out, 0);
    } else {
        grow_raw(&far.out);
    }
    far_write(peer);
}

static void hang_up(void)
{
    far_hang_up(&far.peers[grow_front() % FAR_PEERS]);
}

/* Redis is a new one, with or without what it has kept. */
static void lose(void)
{
    unsigned how = grow_front();

    far.scripts[how & 1] = false;
    if (how & 2) {
        far_forget(&far.stores[0]);
        far.stores[0].head = (struct position){ 0 };
    } else if (how & 4 && far.stores[0].head.offset > 0) {
        far_forget(&far.stores[0]);
        far.stores[0].head.offset--;
    }
}

static void move(void)
{
    static char nowhere[] = "/nonexistent/s";

    core.conf.url.path = grow_front() % 2 ? nowhere : far.path;
}

static void (*const happens[])(void) = {
    append, append,  append, replay,        replay, interest, publish,   push,
    push,   sibling, say,    send_or_close, lose,   hang_up,  wait_some, move
};

/* ---- the end ----------------------------------------------------------- */

/* All that it wants, and no more, is subscribed to. */
static void check_subscribed(void)
{
    const struct far_peer *feed = far_feed();
    size_t count = 2;
    char channel[64];

    fuzz_check(feed != NULL);
    for (unsigned i = 0; i < TOPICS; i++) {
        snprintf(channel, sizeof channel, "pb:x:t:r:%s", topic_of(i));
        fuzz_check(far_has(feed, channel) == core.wanted[i]);
        count += core.wanted[i];
    }
    fuzz_check(feed->count == count);
}

static void check_kept(unsigned topic)
{
    const struct far_store *store = &far.stores[topic];
    struct query query = { .max = UINT32_MAX };

    core.does = 0;
    core.ticket_count = core.answered = 0;
    fuzz_check(ask(topic_of(topic), query) == 0);
    settle();
    fuzz_check(core.answered == 1 && core.result == REPLAY_WHOLE);
    fuzz_check(core.count == store->count);
    fuzz_check(core.head.offset == store->head.offset);
    fuzz_check(core.count == 0 || core.last.offset == core.head.offset);
}

/* It is connected, has asked for all that it wants, and nothing waits. */
static void come_back(void)
{
    core.conf.url.path = far.path;
    far.honest = true;
    for (int i = 0; i < FAR_PEERS; i++) {
        far_hang_up(&far.peers[i]);
    }
    settle(); /* what was said before is read first, then the end */
    pass(STEP);
    for (int i = 0; stat_get(&core.stats->cluster_state) != CLUSTER_UP; i++) {
        fuzz_check(i < 40);
        pass(STEP);
    }
    fuzz_check(core.answered == core.ticket_count);
    for (unsigned i = 0; i < core.message_count; i++) {
        const struct message *message = &core.messages[i];

        fuzz_check(message->stored == message->accepted || far.lied);
    }
    check_subscribed();
    check_kept(0);
    check_kept(1);
}

static void finish(void)
{
    uint64_t not_sent = stat_get(&core.stats->cluster_not_sent);

    redis_bus_destroy(core.bus);
    fuzz_check(stat_get(&core.stats->cluster_not_sent) == not_sent);
    fuzz_check(core.answered == core.ticket_count);
    fuzz_check(!uv_loop_alive(&core.loop));
    far_turn();
    fuzz_check(far_feed() == NULL);
    far_reset();
}

/* ---- an input ---------------------------------------------------------- */

static void begin(unsigned how)
{
    struct redis_bus_setup setup = { .loop = &core.loop,
                                     .core = &core,
                                     .stats = core.stats,
                                     .conf = &core.conf,
                                     .incarnation = 1,
                                     .token = 1,
                                     .group = 1,
                                     .master = 1 };
    static char user[] = "user", password[] = "password";

    memset(core.stats, 0, sizeof *core.stats);
    memset(core.wanted, 0, sizeof core.wanted);
    memset(core.messages, 0, sizeof core.messages);
    core.message_count = core.ticket_count = core.answered = 0;
    core.last = core.head = (struct position){ 0 };
    core.last_stored = NULL;
    core.now_ns = 1000000000000;
    core.random = 1;
    core.does = how & 15;
    core.conf.url.path = far.path;
    core.conf.url.password = how & 16 ? password : NULL;
    core.conf.url.user = how & 32 ? user : NULL;
    core.conf.url.db = how & 64 ? 3 : 0;
    uv_update_time(&core.loop);
    core.bus = redis_bus_create(&setup);
    fuzz_check(core.bus != NULL);
    if (how < 0x80) {
        redis_bus_set_local(core.bus, &local, NULL);
    }
    want(0, true);
    settle();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char shown[] = "r", name[] = "x";

    (void)argc;
    (void)argv;
    log_open("/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
    core.conf = (struct conf_cluster){ .url = { .shown = shown },
                                       .name = name,
                                       .node = 1,
                                       .ttl_ms = TTL,
                                       .queue = QUEUE };
    core.stats = calloc(1, sizeof *core.stats + 4 * sizeof(struct route_stats));
    core.now_ns = 1000000000000;
    uv_loop_init(&core.loop);
    far_begin();
    far.stored = stored;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    grow = (struct grow){ data, data + len };
    begin(grow_front());
    while (grow_more()) {
        unsigned how = grow_front();

        GROW_PICK(happens, how)();
        if (how < 0x80) {
            settle();
        }
    }
    come_back();
    finish();
    return 0;
}
