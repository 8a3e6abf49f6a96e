/* far_redis.h - the far end of a bus: a Redis that an input makes lie
 *
 * It listens on a Unix socket that has no name, reads the bus' commands, and
 * does what they ask for: it keeps messages, gives them to who has subscribed,
 * and tells what it has kept. A byte of the input says of each whether it does,
 * and what it answers.
 */
#ifndef PATCHBAY_TESTS_FUZZ_FAR_REDIS_H
#define PATCHBAY_TESTS_FUZZ_FAR_REDIS_H

#include "grow.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FAR_PEERS  8
#define FAR_NAMES  16
#define FAR_KEPT   32
#define FAR_TOPICS 2 /* "r:a" and "r:b" */

struct far_peer {
    int fd; /* -1: none */
    redisReader *reader;
    size_t count;
    char names[FAR_NAMES][64]; /* of channels it has subscribed to */
};

struct far_store {
    struct position head;
    size_t count;
    struct {
        uint64_t offset;
        char *data;
        size_t len;
    } kept[FAR_KEPT];
};

static struct far {
    int listen_fd;
    char path[32];
    struct far_peer peers[FAR_PEERS];
    struct far_store stores[FAR_TOPICS];
    uint64_t number; /* the last of the one publisher */
    bool scripts[2]; /* it has append, and replay */
    bool honest;     /* from now on, whatever the input says */
    bool lied;       /* it has answered what is not so */
    bool refused;    /* or, with reason, that it has no script to keep with */
    struct buf page; /* that it gives to whoever asks; empty: none */
    struct buf out;
    void (*stored)(const char *bytes, size_t len);
} far;

/* Before the first input. The name goes at once: nothing is left behind. */
static inline void far_begin(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    char dir[] = "/tmp/patchbay-fuzz-XXXXXX";
    int place;

    fuzz_check(mkdtemp(dir) != NULL);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/s", dir);
    far.listen_fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    fuzz_check(far.listen_fd >= 0);
    fuzz_check(bind(far.listen_fd, (struct sockaddr *)&addr, sizeof addr) == 0);
    fuzz_check(listen(far.listen_fd, FAR_PEERS) == 0);
    place = open(addr.sun_path, O_PATH | O_CLOEXEC);
    fuzz_check(place >= 0);
    snprintf(far.path, sizeof far.path, "/proc/self/fd/%d", place);
    fuzz_check(unlink(addr.sun_path) == 0 && rmdir(dir) == 0);
    for (int i = 0; i < FAR_PEERS; i++) {
        far.peers[i].fd = -1;
    }
}

static inline void far_hang_up(struct far_peer *peer)
{
    if (peer->fd >= 0) {
        close(peer->fd);
        redisReaderFree(peer->reader);
    }
    *peer = (struct far_peer){ .fd = -1 };
}

static inline void far_forget(struct far_store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        free(store->kept[i].data);
    }
    store->count = 0;
}

/* As before any input. */
static inline void far_reset(void)
{
    for (int i = 0; i < FAR_PEERS; i++) {
        far_hang_up(&far.peers[i]);
    }
    for (int i = 0; i < FAR_TOPICS; i++) {
        far_forget(&far.stores[i]);
        far.stores[i].head = (struct position){ 0 };
    }
    far.number = 0;
    far.scripts[0] = far.scripts[1] = false;
    far.honest = far.lied = far.refused = false;
    buf_free(&far.page);
    buf_free(&far.out);
}

/* What is in out; who does not take it is hung up on. */
static inline void far_write(struct far_peer *peer)
{
    size_t len = far.out.len;

    fuzz_check(!far.out.failed);
    if (peer->fd >= 0 && len > 0 &&
        send(peer->fd, far.out.data, len, MSG_NOSIGNAL | MSG_DONTWAIT) !=
            (ssize_t)len) {
        far_hang_up(peer);
    }
    buf_clear(&far.out);
}

/* ---- what it keeps ----------------------------------------------------- */

static inline const char *far_arg(const redisReply *command, size_t i)
{
    fuzz_check(i < command->elements);
    return command->element[i]->str;
}

static inline uint64_t far_number(const redisReply *command, size_t i)
{
    return strtoull(far_arg(command, i), NULL, 10);
}

/* Of a key or channel that ends in "r:a" or "r:b". */
static inline struct far_store *far_store(const redisReply *command, size_t i)
{
    const char *name = far_arg(command, i);

    return &far.stores[name[strlen(name) - 1] == 'b'];
}

static inline bool far_has(const struct far_peer *peer, const char *channel)
{
    for (size_t i = 0; i < peer->count; i++) {
        if (strcmp(peer->names[i], channel) == 0) {
            return true;
        }
    }
    return false;
}

static inline void far_keep(struct far_store *store, size_t max,
                            const redisReply *message)
{
    while (store->count > 0 &&
           (store->count >= max || store->count == FAR_KEPT)) {
        free(store->kept[0].data);
        store->count--;
        memmove(store->kept, store->kept + 1,
                store->count * sizeof store->kept[0]);
    }
    store->kept[store->count].offset = ++store->head.offset;
    store->kept[store->count].data = fuzz_copy(message->str, message->len);
    store->kept[store->count++].len = message->len;
}

static inline void far_publish(const char *channel,
                               const struct far_store *store,
                               const redisReply *message)
{
    struct buf bytes = { 0 };

    buf_addf(&bytes, "K %" PRIu64 " %" PRIu64 "\n", store->head.epoch,
             store->head.offset);
    buf_add(&bytes, message->str, message->len);
    for (int i = 0; i < FAR_PEERS; i++) {
        if (far_has(&far.peers[i], channel)) {
            buf_adds(&far.out, "*3\r\n$7\r\nmessage\r\n");
            grow_text(&far.out, channel);
            grow_bulk(&far.out, bytes.data, bytes.len);
            far_write(&far.peers[i]);
        }
    }
    buf_free(&bytes);
}

/* As redis_script_append. */
static inline void far_append(const redisReply *command)
{
    struct far_store *store = far_store(command, 3);
    const redisReply *message = command->element[13];
    uint64_t number = far_number(command, 6);

    if (number <= far.number) {
        buf_adds(&far.out, ":0\r\n");
        return;
    }
    if (store->head.epoch == 0 ||
        (store->head.epoch == far_number(command, 11) &&
         store->head.offset < far_number(command, 12))) {
        far_forget(store);
        store->head = (struct position){ far_number(command, 10), 0 };
    }
    far.stored(message->str, message->len);
    far_keep(store, far_number(command, 7), message);
    far.number = number;
    far_publish(far_arg(command, 9), store, message);
    buf_adds(&far.out, ":1\r\n");
}

/* As redis_script_replay. */
static inline void far_replay(const redisReply *command)
{
    struct far_store *store = far_store(command, 3);
    struct position *head = &store->head;
    uint64_t at = far_number(command, 6), max = far_number(command, 7);
    uint64_t count = far_number(command, 8), left = far_number(command, 10);
    struct buf list = { 0 };
    size_t given = 0;

    if (head->epoch == 0) {
        head->epoch = far_number(command, 11); /* 0 if there is none */
    }
    if (head->epoch != far_number(command, 5) || at > head->offset) {
        at = head->offset > max ? head->offset - max : 0;
    }
    if (head->offset > count && at < head->offset - count) {
        at = head->offset - count;
    }
    for (size_t i = 0; i < store->count; i++) {
        size_t len = store->kept[i].len;

        if (store->kept[i].offset <= at) {
            continue;
        }
        if (given > 0 && (len > left || given >= far_number(command, 9))) {
            break;
        }
        left -= len < left ? len : left;
        given++;
        buf_addf(&list, "*2\r\n$%d\r\n%" PRIu64 "-0\r\n*2\r\n$1\r\nm\r\n",
                 snprintf(NULL, 0, "%" PRIu64 "-0", store->kept[i].offset),
                 store->kept[i].offset);
        grow_bulk(&list, store->kept[i].data, len);
    }
    buf_adds(&far.out, "*3\r\n");
    grow_number(&far.out, head->epoch);
    grow_number(&far.out, head->offset);
    buf_addf(&far.out, "*%zu\r\n", given);
    buf_add(&far.out, list.data, list.len);
    buf_free(&list);
}

/* ---- the truth --------------------------------------------------------- */

static inline const char *far_hash(bool replay)
{
    return replay ? "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                  : "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
}

static inline void far_evalsha(const redisReply *command)
{
    bool replay = command->elements == 12;

    fuzz_check(replay || command->elements == 14);
    if (!far.scripts[replay] ||
        strcmp(far_arg(command, 1), far_hash(replay)) != 0) {
        far.refused = far.refused || !replay;
        grow_error(&far.out, 0);
    } else if (replay) {
        far_replay(command);
    } else {
        far_append(command);
    }
}

static inline void far_subscribe(struct far_peer *peer,
                                 const redisReply *command, bool on)
{
    for (size_t i = 1; i < command->elements; i++) {
        const char *name = far_arg(command, i);
        size_t at = 0;

        while (at < peer->count && strcmp(peer->names[at], name) != 0) {
            at++;
        }
        if (on && at == peer->count) {
            fuzz_check(peer->count < FAR_NAMES);
            snprintf(peer->names[peer->count++], 64, "%.63s", name);
        } else if (!on && at < peer->count) {
            memcpy(peer->names[at], peer->names[--peer->count], 64);
        }
        buf_adds(&far.out, "*3\r\n");
        grow_text(&far.out, on ? "subscribe" : "unsubscribe");
        grow_text(&far.out, name);
        buf_addf(&far.out, ":%zu\r\n", peer->count);
    }
}

static inline void far_truth(struct far_peer *peer, const redisReply *command)
{
    const char *word = far_arg(command, 0);

    if (strcmp(word, "INFO") == 0) {
        grow_text(&far.out, "# Server\r\nredis_mode:standalone\r\n"
                            "run_id:0123456789\r\nrole:master\r\nloading:0");
    } else if (strcmp(word, "EVAL") == 0) {
        grow_text(&far.out, far_arg(command, 4));
    } else if (strcmp(word, "SCRIPT") == 0) {
        bool replay = strstr(far_arg(command, 2), "XADD") == NULL;

        far.scripts[replay] = true;
        grow_text(&far.out, far_hash(replay));
    } else if (strcmp(word, "EVALSHA") == 0) {
        far_evalsha(command);
    } else if (strcmp(word, "PUBLISH") == 0) {
        buf_adds(&far.out, ":1\r\n");
    } else if (strcmp(word, "SUBSCRIBE") == 0) {
        far_subscribe(peer, command, true);
    } else if (strcmp(word, "UNSUBSCRIBE") == 0) {
        far_subscribe(peer, command, false);
    } else if (strcmp(word, "PING") == 0) {
        buf_adds(&far.out, peer->count > 0 ? "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
                                           : "+PONG\r\n");
    } else {
        fuzz_check(strcmp(word, "AUTH") == 0 || strcmp(word, "SELECT") == 0 ||
                   strcmp(word, "CLIENT") == 0);
        buf_adds(&far.out, "+OK\r\n");
    }
}

/* ---- what might be true ------------------------------------------------ */

static inline void far_other_info(unsigned how)
{
    static const char *const texts[] = {
        "run_id:0123456789012345678901234567890123456789012345678901234567890",
        "redis_mode:cluster\r\n",
        "redis_mode:sentinel",
        "# x\r\nrole:slave\r\n",
        "role:replica\n",
        "loading:1\r\n",
        "run_id:\r\nredis_mode:\r\nrole:\r\nloading:",
        "",
    };

    grow_text(&far.out, GROW_PICK(texts, how));
}

/* Another host's, a dead one's of this machine, or no host's. */
static inline void far_other_lease(const redisReply *command, unsigned how)
{
    static const char *const owners[] = {
        "0000000000000002 elsewhere 1 machine", "", "0 \n\x1b x",
        "0000000000000002 h -1 m", "0000000000000002 h 99999999999999999999 m"
    };
    char mark[512];
    const char *rest = strstr(far_arg(command, 4), " 1 ");

    if (how % 8 < 4) {
        grow_text(&far.out, GROW_PICK(owners, how / 8));
        return;
    }
    fuzz_check(rest != NULL); /* of whose process there is none */
    snprintf(mark, sizeof mark, "%016x%.*s 2147483646 %s", how % 16,
             (int)(rest - far_arg(command, 4) - 16), far_arg(command, 4) + 16,
             rest + 3);
    grow_text(&far.out, mark);
}

static inline void far_other_hash(unsigned how)
{
    char hash[64];

    memset(hash, 'c', sizeof hash);
    grow_bulk(&far.out, hash, how % 64);
}

static inline void far_other_page(const redisReply *command, unsigned how)
{
    const struct far_store *store = far_store(command, 3);
    struct position after = { far_number(command, 5), far_number(command, 6) };
    struct position head = store->head;

    head.epoch = head.epoch > 0 ? head.epoch : 7;
    head.offset = head.offset > 0 ? head.offset : 9;
    grow_page(&far.out, after, head);
    if (how % 4 == 3) {
        buf_add(&far.page, far.out.data, far.out.len);
    }
}

static inline bool far_asks_for_page(const redisReply *command)
{
    return command->elements == 12 &&
           strcmp(far_arg(command, 0), "EVALSHA") == 0;
}

static inline void far_perhaps(struct far_peer *peer, const redisReply *command,
                               unsigned how)
{
    const char *word = far_arg(command, 0);

    if (strcmp(word, "INFO") == 0) {
        far_other_info(how);
    } else if (strcmp(word, "EVAL") == 0) {
        far_other_lease(command, how);
    } else if (strcmp(word, "SCRIPT") == 0) {
        far_other_hash(how);
    } else if (far_asks_for_page(command)) {
        far_other_page(command, how);
    } else if (strcmp(word, "SUBSCRIBE") == 0 && how % 2 == 0) {
        far_truth(peer, command);
        far_truth(peer, command);
    } else {
        grow_error(&far.out, how);
    }
}

/* ---- whichever it is --------------------------------------------------- */

static inline void far_lie(struct far_peer *peer, const redisReply *command,
                           unsigned how)
{
    switch (how / 8 % 8) {
    case 0: break; /* nothing */
    case 1: far_hang_up(peer); break;
    case 2: /* done, but who asked does not hear it */
        far_truth(peer, command);
        far_hang_up(peer);
        break;
    case 3: grow_raw(&far.out); break;
    case 4: buf_adds(&far.out, how % 2 ? "$-1\r\n" : ":1\r\n"); break;
    case 5: grow_tree(&far.out, 0); break;
    default: grow_error(&far.out, how); break;
    }
}

static inline void far_answer(struct far_peer *peer, const redisReply *command)
{
    unsigned how = far.honest ? 0 : grow_back();

    if (!far.honest && far.page.len > 0 && far_asks_for_page(command)) {
        buf_add(&far.out, far.page.data, far.page.len);
    } else if (how < 0x80) {
        far_truth(peer, command);
    } else if (how < 0xc0) {
        far.lied = true;
        far_perhaps(peer, command, how);
    } else {
        far.lied = far.lied || how / 8 % 8 == 0 || how / 8 % 8 > 2;
        far_lie(peer, command, how);
    }
    far_write(peer);
}

/* ---- the connections --------------------------------------------------- */

static inline bool far_accept(void)
{
    int fd = accept4(far.listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int i = 0;

    if (fd < 0) {
        return false;
    }
    while (i < FAR_PEERS && far.peers[i].fd >= 0) {
        i++;
    }
    fuzz_check(i < FAR_PEERS); /* it has two at a time */
    far.peers[i].fd = fd;
    far.peers[i].reader = redisReaderCreate();
    return true;
}

/* All the commands that are there. Whatever it hears, the bus says nothing but
 * commands. */
static inline bool far_hear(struct far_peer *peer)
{
    static char bytes[1 << 16];
    ssize_t n = recv(peer->fd, bytes, sizeof bytes, 0);
    void *reply = NULL;

    if (n < 0 && errno == EAGAIN) {
        return false;
    }
    if (n <= 0) {
        far_hang_up(peer);
        return true;
    }
    fuzz_check(redisReaderFeed(peer->reader, bytes, (size_t)n) == REDIS_OK);
    while (peer->fd >= 0) {
        fuzz_check(redisReaderGetReply(peer->reader, &reply) == REDIS_OK);
        if (reply == NULL) {
            break;
        }
        fuzz_check(((redisReply *)reply)->type == REDIS_REPLY_ARRAY);
        far_answer(peer, reply);
        freeReplyObject(reply);
    }
    return true;
}

/* false: nothing came. */
static inline bool far_turn(void)
{
    bool some = false;

    while (far_accept()) {
        some = true;
    }
    for (int i = 0; i < FAR_PEERS; i++) {
        some = (far.peers[i].fd >= 0 && far_hear(&far.peers[i])) || some;
    }
    return some;
}

/* That has subscribed; NULL: none has. */
static inline struct far_peer *far_feed(void)
{
    for (int i = 0; i < FAR_PEERS; i++) {
        if (far.peers[i].count > 0) {
            return &far.peers[i];
        }
    }
    return NULL;
}

#endif
