/*
 * patchbay.h - the patchbay plugin SDK, ABI 1.1
 *
 * A patchbay plugin is a shared object that answers the WebSocket connections
 * of one or more URL paths. This header is all it needs; there is nothing to
 * link with. The whole of an echo plugin:
 *
 *     #include <patchbay.h>
 *
 *     static int echo(bay_conn *conn, const bay_message *msg)
 *     {
 *         return bay_send(conn, msg->kind, msg->data, msg->len);
 *     }
 *
 *     BAY_PLUGIN = { BAY_INIT, .name = "echo", .message = echo };
 *
 *     cc -shared -fPIC -fvisibility=hidden -Wl,-z,defs echo.c -o echo.so
 *
 * THE CONTRACT
 *
 * Instances. The host makes one instance of the plugin for each route that
 *   names it, in each worker process. A bay_route is that instance. Keep state
 *   in its block (bay_route_data) and in the connections' blocks
 *   (bay_conn_data); do not keep any in static variables: they are shared by
 *   the routes of a process, not by its workers, and a reload resets them.
 *
 * Threads. The hooks of one instance never run concurrently, and always on the
 *   same thread. No locks are needed. Every host call is for that thread only,
 *   except bay_log, which any thread may call.
 *
 * Blocking. While a hook runs, no other connection of the worker is served.
 *   Give to bay_defer whatever may wait: files, databases, DNS, hashing. The
 *   host logs each hook that runs longer than slow_hook. Start no threads.
 *
 * Process. It is shared with the host and with other plugins. Leave alone its
 *   signal mask and handlers, working directory, umask and locale, and the
 *   descriptors that you have not opened: the host looks, and puts back what
 *   can be. Never exit. A child that you fork calls exec or _exit.
 *
 * Memory. Neither side ever frees what the other allocated. What the host
 *   passes to a hook is valid until that hook returns; what a call returns is
 *   valid as its comment says. What you pass to a call is copied before the
 *   call returns.
 *
 * Order. For each connection: handshake; and if that accepts it, open once,
 *   message for each message, close once, always last, however it ends. Even a
 *   client that is gone before open gets both, and its sends BAY_ECLOSED.
 *   Messages arrive in order and, unless the plugin asks for BAY_PIECES, whole
 *   (RFC 6455 section 5.4); text is valid UTF-8 (section 8.1). A hook is never
 *   entered from inside a host call: after bay_close, the message hook returns
 *   first and the close hook runs later.
 *
 * Results. Hooks and calls that return int: 0 is success, a negative value is
 *   one of enum bay_error. A hook may also return a positive verdict for the
 *   peer: an HTTP status (handshake, http) or a close code (open, message). An
 *   error is logged and tells the peer 500 or 1011; BAY_ECLOSED is not news,
 *   and BAY_EFULL from open or message is dealt with as slow_peer says.
 *
 * Compatibility. A plugin built with SDK 1.x runs, without being rebuilt, on
 *   every host 1.y with y >= x. Fields and functions are only ever added, at
 *   the end; `since` comments say when.
 */
#ifndef PATCHBAY_H
#define PATCHBAY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The host's major must be equal, its minor not lower. Define a lower minor
 * before the include, to be held to what older hosts have, and run there. */
#define BAY_ABI_MAJOR 1
#ifndef BAY_ABI_MINOR
#define BAY_ABI_MINOR 1
#endif

#define BAY_MAGIC 0x31594142u /* "BAY1" in a little-endian file */

/* For the declarations below: a symbol that can be found, a format. */
#define BAY_EXPORT       __attribute__((visibility("default")))
#define BAY_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* ---- types ------------------------------------------------------------- */

/*
 * Handles. Their one visible field is the table of host calls, so that the
 * functions below need no global variable and no symbol of the host. The rest
 * belongs to the host: never copy one or take its size. A bay_route lives from
 * start to stop, a bay_conn from handshake to close, a bay_request for the
 * length of one hook.
 */
typedef struct bay_api bay_api;
typedef struct bay_route {
    const bay_api *api;
} bay_route;
typedef struct bay_conn {
    const bay_api *api;
} bay_conn;
typedef struct bay_request {
    const bay_api *api;
} bay_request;

/*
 * Names a connection for as long as the server runs, in every worker; never
 * reused, never 0. Keep ids, not bay_conn pointers, in whatever outlives a
 * hook: rooms, timers, deferred work.
 */
typedef uint64_t bay_id;

/* Plain ints, so that no compiler option changes their size. */
typedef int bay_kind;
enum { BAY_TEXT = 1, BAY_BINARY = 2 };

typedef int bay_level;
enum { BAY_ERROR = 1, BAY_WARN = 2, BAY_INFO = 3, BAY_DEBUG = 4 };

enum bay_error {
    BAY_OK = 0,
    BAY_ENOMEM = -1,    /* out of memory */
    BAY_EINVAL = -2,    /* an argument makes no sense */
    BAY_ESTATE = -3,    /* not allowed in this hook, or before open */
    BAY_ECLOSED = -4,   /* the connection is closing */
    BAY_EFULL = -5,     /* a queue is at its limit: nothing was queued */
    BAY_ENOTFOUND = -6, /* no such connection, topic, timer or option */
    BAY_ETOOBIG = -7,   /* longer than the route allows */
    BAY_ECANCELED = -8, /* the work was never run */
#if BAY_ABI_MINOR >= 1
    BAY_EEXISTS = -9 /* somebody else has that label */
#endif
};

/* The close codes a plugin has use for; 3000 to 4999 are its own to define. */
enum bay_close_code {
    BAY_CLOSE_NORMAL = 1000,
    BAY_CLOSE_GOING_AWAY = 1001,
    BAY_CLOSE_UNSUPPORTED = 1003,
    BAY_CLOSE_NO_STATUS = 1005, /* only received: the peer gave no code */
    BAY_CLOSE_ABNORMAL = 1006,  /* only received: the peer just went away */
    BAY_CLOSE_BAD_DATA = 1007,
    BAY_CLOSE_POLICY = 1008,
    BAY_CLOSE_TOO_BIG = 1009,
    BAY_CLOSE_INTERNAL = 1011,
    BAY_CLOSE_RESTART = 1012,
    BAY_CLOSE_TRY_LATER = 1013
};

/*
 * One message. One 0 byte, not counted in len, follows the data. kind is the
 * opcode it came with (RFC 6455 section 5.6). fin: this is the end of the
 * message; always true unless the plugin's flags have BAY_PIECES.
 */
typedef struct bay_message {
    const char *data;
    size_t len;
    bay_kind kind;
    bool fin;
} bay_message;

/* What bay_publish sent to a topic this instance listens to. */
typedef struct bay_notice {
    const char *topic;
    const char *data; /* as in bay_message */
    size_t len;
    bay_kind kind;
    bay_id except; /* as given to bay_publish */
    bool local;    /* published by this very instance */
} bay_notice;

/*
 * What the host knows of a connection. Counts are of messages and of their
 * payload, without frame headers and control frames. Times are by the clock of
 * bay_now_ms; last_message_ms is 0 before the first message came.
 */
typedef struct bay_facts {
    uint64_t connected_ms;
    uint64_t last_message_ms;
    uint64_t messages_in;
    uint64_t messages_out;
    uint64_t bytes_in;
    uint64_t bytes_out;
    size_t backlog; /* as bay_conn_backlog */
} bay_facts;

#include "patchbay/presence.h" /* who is in a topic; since 1.1 */

/* ---- options: what the INI file may set for a plugin ------------------- */

/* How the text of an option is read. */
typedef int bay_option_type;
enum {
    BAY_OPT_END = 0,
    BAY_OPT_STR = 1,
    BAY_OPT_INT = 2,
    BAY_OPT_BOOL = 3,  /* yes no on off true false 1 0 */
    BAY_OPT_BYTES = 4, /* 512, 64k, 16m */
    BAY_OPT_MS = 5     /* 250ms, 30s, 5m, 1h */
};

/*
 * "max_text" of the plugin "chat" is set by chat.max_text in a [route.*]
 * section, or for all routes by max_text in [plugin.chat]. The host checks each
 * value against this table before start is called, and refuses a key that is
 * not in it. name: lower case, digits and _. fallback: as it would be written
 * in the file; NULL makes the key required. help: one line, for people. min and
 * max: of the numeric types, unchecked when both are 0.
 */
typedef struct bay_option {
    const char *name;
    bay_option_type type;
    const char *fallback;
    const char *help;
    int64_t min;
    int64_t max;
} bay_option;

/* ---- the descriptor ---------------------------------------------------- */

/* What a descriptor's flags may be, added up. */
enum bay_flag {
    /* State that is not shared by topics: refuse to start with more workers
     * than one, rather than let half of the users not see the other half. */
    BAY_SINGLE_WORKER = 1,

    /* Call message for each piece of a message as it arrives, fin being false
     * but for the last, rather than hold the whole in memory. A piece of text
     * may end inside a character. max_message bounds the sum of the pieces. A
     * reload that changes this flag leaves open connections with the old code.
     */
    BAY_PIECES = 2
};

/*
 * All the host knows of a plugin. Name only the fields you use: all but
 * BAY_INIT and name may be left out. Apart from work it is deferring, the host
 * keeps no other pointer into the plugin, which is what lets a reload replace
 * the code below open connections.
 */
typedef struct bay_plugin {
    /* Set by BAY_INIT; their place never changes in any ABI version. */
    uint32_t magic;
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t option_size;

    const char *name;    /* lower case, digits, _ and -; names it in the INI */
    const char *version; /* the plugin's own, such as "1.2.0" */
    const char *summary; /* one line, for people */

    /* Blocks the host allocates, zeroed, and frees for you; 0 for none. */
    size_t route_size;
    size_t conn_size;

    const bay_option *options;       /* ends with { 0 } */
    const char *const *subprotocols; /* preferred first; ends with NULL */

    uint32_t flags; /* enum bay_flag */

    /*
     * The layout of the two blocks; raise it when a change to them is not
     * compatible. On reload, open connections move to the new code when neither
     * version has a block; when both have the same non-zero state_version and
     * sizes (the blocks are kept as they are); or when the new one has migrate
     * hooks for the blocks there are. Otherwise they stay with the old code
     * until they close, and new connections get the new code; both go on
     * sharing the route's topics. So they do if the route says on_reload =
     * drain, or names another plugin.
     */
    uint32_t state_version;

    /* The instance begins and ends. An error refuses the route, or the reload;
     * then stop is not called. When stop is, every connection has been closed,
     * and calls that would begin something return BAY_ESTATE. */
    int (*start)(bay_route *route);
    void (*stop)(bay_route *route);

    /* New options or new code took over a running instance: read the options
     * again. start is not called. Timers and topics are as they were; static
     * variables are those of the new file. */
    void (*reload)(bay_route *route);

    /* Fill the new, zeroed block from the old one, which is valid until the
     * hook returns: the host frees it then, but nothing that it points to. No
     * deferred work is under way. An error of migrate_route keeps the instance
     * on the old code, which takes its block back; one of migrate_conn closes
     * that connection with BAY_CLOSE_RESTART, and its close hook gets the block
     * as it was left. old is NULL if the old code had no such block. Look at no
     * other connection's block here: it may be the old one still. */
    int (*migrate_route)(bay_route *route, const void *old, size_t old_size,
                         uint32_t old_version);
    int (*migrate_conn)(bay_conn *conn, const void *old, size_t old_size,
                        uint32_t old_version);

    /* A client asks to connect. 0 accepts; 400 to 599 refuses with that HTTP
     * status. The block of conn can be filled in, but nothing sent yet. */
    int (*handshake)(bay_conn *conn, bay_request *req);

    /* The connection is up: send, subscribe, set timers. */
    int (*open)(bay_conn *conn);

    /* 0 goes on; 1000 to 4999 closes the connection with that code. */
    int (*message)(bay_conn *conn, const bay_message *msg);

    /* The last call for conn. reason is never NULL. */
    void (*close)(bay_conn *conn, int code, const char *reason);

    /* The send queue is short again, after a send returned BAY_EFULL. */
    void (*drained)(bay_conn *conn);

    /* A timer set with bay_timer_set expired. */
    void (*timer)(bay_route *route, uint64_t key);

    /* Something was published to a topic given to bay_listen. */
    void (*notice)(bay_route *route, const bay_notice *notice);

    /* A plain HTTP request for the route's path. Answer with bay_req_reply
     * and return 0, or return a status from 400 to 599. */
    int (*http)(bay_route *route, bay_request *req);

#if BAY_ABI_MINOR >= 1
    /* Since 1.1. Who is in a topic has changed: one that a connection of this
     * instance has joined, or that it watches. Also called for what its own
     * connections do, after the hook that did it. */
    void (*presence)(bay_route *route, const bay_change *change);
#endif
} bay_plugin;

/* The one symbol a plugin exports. Redefine the name only to link several
 * plugins into one program, as their tests do. */
#ifndef BAY_PLUGIN_SYMBOL
#define BAY_PLUGIN_SYMBOL bay_plugin_descriptor
#endif

extern BAY_EXPORT const bay_plugin BAY_PLUGIN_SYMBOL;

/* Once per plugin, at file scope: BAY_PLUGIN = { BAY_INIT, .name = ... };
 * In C++20 too, with the fields in order. */
#define BAY_PLUGIN BAY_MAY_LEAVE_OUT const bay_plugin BAY_PLUGIN_SYMBOL

/* clang-format off */
#define BAY_INIT                 \
    .magic = BAY_MAGIC,          \
    .size = sizeof(bay_plugin),  \
    .abi_major = BAY_ABI_MAJOR,  \
    .abi_minor = BAY_ABI_MINOR,  \
    .option_size = sizeof(bay_option)
/* clang-format on */

#if defined(__cplusplus) && !defined(__clang__) /* g++ -Wextra minds in C++ */
#define BAY_MAY_LEAVE_OUT \
    _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")
#else
#define BAY_MAY_LEAVE_OUT
#endif

/* ---- one connection ---------------------------------------------------- */

/*
 * Queues one message of at most 1 GiB (BAY_ETOOBIG); text must be UTF-8, which
 * is not checked. It is written when the hook has returned, together with
 * whatever else is queued by then. BAY_EFULL: the queue is over half full and
 * this would take it over send_queue; nothing was added, and drained will be
 * called. A route reads no more from a connection whose queue is over half
 * full, so answering each message with one message never gets there.
 * BAY_ECLOSED: the connection is closing. BAY_ESTATE: before open.
 */
static inline int bay_send(bay_conn *conn, bay_kind kind, const void *data,
                           size_t len);
static inline int bay_send_text(bay_conn *conn, const void *data, size_t len);
static inline int bay_send_binary(bay_conn *conn, const void *data, size_t len);

/* Queues one text message made as by printf, with the errors of bay_send and
 * BAY_ENOMEM; BAY_EINVAL: vsnprintf refuses the format. */
BAY_PRINTF(2, 3)
static inline int bay_sendf(bay_conn *conn, const char *format, ...);

/* Closes after what is queued was sent (RFC 6455 section 7.1.2). code: one that
 * may be sent, of 1000 to 1003, 1007 to 1014 and 3000 to 4999; reason: UTF-8 of
 * at most 123 bytes, or NULL. BAY_EINVAL if not, BAY_ECLOSED if it is closing
 * already, BAY_ESTATE before open. The close hook hears the same code. */
static inline int bay_close(bay_conn *conn, int code, const char *reason);

/* After bay_pause the message hook is not called until bay_resume: to wait for
 * deferred work, such as a login. The client's messages wait in its socket.
 * Doing it twice is doing it once. */
static inline void bay_pause(bay_conn *conn);
static inline void bay_resume(bay_conn *conn);

/* Its name for as long as the server runs; and the instance it belongs to, for
 * as long as the connection lives. */
static inline bay_id bay_conn_id(const bay_conn *conn);
static inline bay_route *bay_conn_route(const bay_conn *conn);

/* The block of conn_size bytes, zeroed before handshake, NULL if that is 0. It
 * stays where it is until close returns, or a reload migrates it. */
static inline void *bay_conn_data(const bay_conn *conn);

/* These strings live as long as the connection. remote: the client's address,
 * as told by a trusted proxy if there is one. path: decoded, without the query.
 * query: the decoded value of a query parameter, NULL if absent. subprotocol:
 * "" if none was agreed on (RFC 6455 section 1.9). */
static inline const char *bay_conn_remote(const bay_conn *conn);
static inline const char *bay_conn_path(const bay_conn *conn);
static inline const char *bay_conn_query(const bay_conn *conn,
                                         const char *name);
static inline const char *bay_conn_subprotocol(const bay_conn *conn);

/* What the * of a prefix route stands for: "lobby" when the route's path is
 * "/rooms/" followed by a *, and the client asked for /rooms/lobby. "" for an
 * exact route. Lives as long as the connection. */
static inline const char *bay_conn_tail(const bay_conn *conn);

/* A header of the request that opened the connection, its name in any case;
 * NULL if absent. In the handshake and open hooks only, NULL elsewhere: copy
 * what is needed later. Valid until the hook returns.
 *
 * Names that begin with "tls-" are the host's own, never the client's:
 * tls-version, tls-client-verify ("valid" or "none"), tls-client-subject,
 * tls-client-issuer, tls-client-serial, tls-client-fingerprint. */
static inline const char *bay_conn_header(const bay_conn *conn,
                                          const char *name);

/* Bytes queued and not yet handed to the socket. */
static inline size_t bay_conn_backlog(const bay_conn *conn);

/* Fills in what the host knows of the connection, as of now. */
static inline void bay_conn_facts(const bay_conn *conn, bay_facts *facts);

/* ---- one HTTP request: in handshake and http --------------------------- */

/* "GET"; the client's address as bay_conn_remote; the decoded path without the
 * query. All that a request gives is valid until the hook returns. */
static inline const char *bay_req_method(const bay_request *req);
static inline const char *bay_req_remote(const bay_request *req);
static inline const char *bay_req_path(const bay_request *req);

/* The decoded value of a query parameter; a header, its name in any case. NULL
 * if absent. */
static inline const char *bay_req_query(const bay_request *req,
                                        const char *name);
static inline const char *bay_req_header(const bay_request *req,
                                         const char *name);

/* Never NULL; len is 0 without a body. At most max_message bytes: longer ones
 * are refused with 413 before the hook. */
static inline const bay_message *bay_req_body(const bay_request *req);

/* Adds a header to the answer, such as Set-Cookie, also to the 101 or the
 * refusal of a handshake. BAY_EINVAL: it is no header's name or value (RFC 9110
 * section 5); BAY_ETOOBIG: 8 KiB of them; BAY_ENOMEM. */
static inline int bay_req_add_header(bay_request *req, const char *name,
                                     const char *value);

/* Answers, once; in the http hook only (BAY_ESTATE elsewhere, or if it was
 * answered). status: 200 to 599. type: "text/plain"; NULL stands for
 * application/octet-stream. BAY_EINVAL if one of these makes no sense;
 * BAY_ENOMEM. */
static inline int bay_req_reply(bay_request *req, int status, const char *type,
                                const void *body, size_t len);

/* ---- the instance ------------------------------------------------------ */

/* "lobby" for [route.lobby]; its path as written in the INI file, such as
 * "/rooms/" followed by a *; and the number of the worker, from 0. The path is
 * valid until a reload. */
static inline const char *bay_route_name(const bay_route *route);
static inline const char *bay_route_path(const bay_route *route);
static inline int bay_route_worker(const bay_route *route);

/* The block of route_size bytes, zeroed before start, NULL if that is 0. It
 * stays where it is until stop returns, or a reload migrates it. */
static inline void *bay_route_data(const bay_route *route);

/* The open connections of this instance; other workers have theirs. find
 * returns NULL for those and for what is gone. next starts with NULL, and
 * bay_close is allowed on the way. */
static inline size_t bay_route_count(const bay_route *route);
static inline bay_conn *bay_route_find(const bay_route *route, bay_id id);
static inline bay_conn *bay_route_next(const bay_route *route,
                                       const bay_conn *conn);

/* The value of an option, checked and defaulted. str serves every type, as
 * written; int and bool the others: bytes for BAY_OPT_BYTES, milliseconds for
 * BAY_OPT_MS. A string is valid until the reload hook is called, for deferred
 * work under way until that is done. NULL or 0 for a name that is not in the
 * plugin's table. */
static inline const char *bay_conf_str(const bay_route *route,
                                       const char *name);
static inline int64_t bay_conf_int(const bay_route *route, const char *name);
static inline bool bay_conf_bool(const bay_route *route, const char *name);

/* ---- to other connections, in any worker ------------------------------- */

/* As bay_send and bay_close, with their errors, to a connection of this route
 * in any worker. 0 means on its way: a connection of another worker may just
 * have closed. BAY_ENOTFOUND: it is not open, or no worker has such ids;
 * BAY_EFULL: also, what waits for that worker is at its limit. */
static inline int bay_send_to(bay_route *route, bay_id id, bay_kind kind,
                              const void *data, size_t len);
static inline int bay_close_id(bay_route *route, bay_id id, int code,
                               const char *reason);

/*
 * Topics are plain names of up to 64 bytes without control characters, private
 * to the route. What is
 * published to a topic goes, in all workers, to every connection subscribed to
 * it but `except` (0: to all), and to the notice hook of every instance that
 * listens to it. A connection's subscriptions end with it. Each subscriber
 * gets the messages of one publisher in order, each at most once; one whose
 * queue is full is dealt with as slow_peer says.
 *
 * All: BAY_EINVAL for a name that is none, BAY_ENOMEM. Doing again
 * what is done already is success; undoing what is not, BAY_ENOTFOUND.
 * bay_subscribe: BAY_ESTATE before open, BAY_ECLOSED, BAY_EFULL with 4096 topics
 * of a connection or 2^20 of a worker. bay_publish: BAY_ETOOBIG over 1 GiB,
 * BAY_EFULL if a notice of this worker could not be queued.
 */
static inline int bay_subscribe(bay_conn *conn, const char *topic);
static inline int bay_unsubscribe(bay_conn *conn, const char *topic);
static inline int bay_listen(bay_route *route, const char *topic);
static inline int bay_unlisten(bay_route *route, const char *topic);
static inline int bay_publish(bay_route *route, const char *topic,
                              bay_kind kind, const void *data, size_t len,
                              bay_id except);

/* ---- time and work ----------------------------------------------------- */

/*
 * The timer hook runs once, delay_ms from now, with this key: any number you
 * like, a bay_id for one. Setting a key again moves its timer; to repeat, set
 * it again in the hook. Timers survive a reload and end with the instance.
 * BAY_EFULL: 2^20 are set in this worker; BAY_EINVAL: the delay is over 2^48;
 * BAY_ENOMEM. bay_timer_clear: BAY_ENOTFOUND if none is set.
 */
static inline int bay_timer_set(bay_route *route, uint64_t key,
                                uint64_t delay_ms);
static inline int bay_timer_clear(bay_route *route, uint64_t key);

/* Milliseconds on a clock that never goes back, as of the loop's last turn;
 * where it begins says nothing. Tests can move it. */
static inline uint64_t bay_now_ms(const bay_route *route);

/*
 * Runs work(arg) on a thread of the host's pool, then done(route, arg, status)
 * as a hook. If 0 is returned, done runs exactly once: with BAY_OK, or with
 * BAY_ECANCELED if work was never begun; free arg there. work may touch arg
 * only, and of the host calls only bay_log with a route kept in arg. Put the
 * bay_id into arg, not the bay_conn: it may be gone. BAY_EFULL: 16384 wait
 * already. BAY_ESTATE: the worker is ending, as in the close hooks of those it
 * cuts off; and in migrate_route, which may fail yet: begin it in the reload
 * hook. BAY_EINVAL: work is NULL; BAY_ENOMEM.
 *
 * A reload waits for work that was begun before it, and is refused if that does
 * not end within 5 s. What is begun meanwhile is done by the code that began
 * it; a migration waits for all of it.
 */
typedef void bay_work_fn(void *arg);
typedef void bay_done_fn(bay_route *route, void *arg, int status);
static inline int bay_defer(bay_route *route, bay_work_fn *work,
                            bay_done_fn *done, void *arg);

/* ---- log --------------------------------------------------------------- */

/* A line in the host's log, made as by printf; the host adds the time, worker,
 * route and plugin. What [log] level leaves out costs next to nothing. From any
 * thread. */
BAY_PRINTF(3, 4)
static inline void bay_log(const bay_route *route, bay_level level,
                           const char *format, ...);

/* The same, with the connection's id and address; on the hooks' thread. */
BAY_PRINTF(3, 4)
static inline void bay_conn_log(const bay_conn *conn, bay_level level,
                                const char *format, ...);

/* A short English text for an enum bay_error; it is always valid. */
static inline const char *bay_strerror(int error);

#ifdef __cplusplus
}
#endif

#include "patchbay/abi.h" /* the table of host calls, and the bodies of these */

#endif /* PATCHBAY_H */
