/* control.c - the control socket: where commands of the operator come in */
#include "proc/control.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/seldom.h"
#include "proc/lines.h"
#include "proc/reason.h"
#include "proc/rundir.h"
#include "proc/unix.h"

#define CLIENTS     16
#define REQUEST_MAX 4096
#define IDLE_MS     10000 /* to send the request, and to take the answer */
#define PAUSE_MS    100   /* after accept ran out of descriptors */

struct client {
    struct control *control;
    uint64_t ticket; /* 0: free */
    struct lines lines;
    struct alarm_clock idle;
    bool asked;
    bool stranger; /* who may not ask is told so when he does */
};

struct control {
    struct poller *poller;
    void (*request)(void *arg, uint64_t ticket, const json_t *request);
    void *arg;
    struct sockaddr_un addr;
    struct watch watch; /* for clients; fd -1: not open */
    struct alarm_clock pause;
    struct seldom failed; /* to accept */
    bool pausing;         /* since then nobody was */
    bool pause_told;      /* in the log */
    struct tally *tally;  /* NULL: none; borrowed */
    uint64_t last_ticket;
    char *group; /* NULL: none */
    gid_t gid;
    uint64_t refusal_ms; /* when the last one was logged */
    unsigned refused;    /* since then */
    struct client clients[CLIENTS];
};

static void drop(struct client *client)
{
    poller_clear_alarm(client->control->poller, &client->idle);
    lines_close(&client->lines);
    client->ticket = 0;
}

static void gone(struct lines *lines, const char *why)
{
    (void)why;
    drop(lines->arg);
}

static void idle(struct alarm_clock *alarm)
{
    drop(alarm->arg);
}

static void wait_for(struct client *client)
{
    poller_set_alarm(client->control->poller, &client->idle,
                     clock_now_ms() + IDLE_MS);
}

static json_t *refusal(const char *text)
{
    return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

static void send_answer(struct client *client, json_t *answer)
{
    char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;
    const char *line =
        text != NULL ? text : "{\"ok\":false,\"error\":\"out of memory\"}";

    (void)lines_send(&client->lines, line, strlen(line));
    free(text);
    json_decref(answer);
}

static void answer_and_end(struct client *client, json_t *answer)
{
    send_answer(client, answer);
    lines_end(&client->lines);
    wait_for(client);
}

/* ---- who asks ---------------------------------------------------------- */

static bool is_in_group(int fd, gid_t own, gid_t group)
{
    static gid_t groups[NGROUPS_MAX];
    socklen_t len = sizeof groups;

    if (own == group) {
        return true;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0) {
        return false;
    }
    for (size_t i = 0; i < len / sizeof groups[0]; i++) {
        if (groups[i] == group) {
            return true;
        }
    }
    return false;
}

/* A line a second: whoever may connect may do so again and again. */
static void log_stranger(struct control *control, const struct ucred *peer)
{
    uint64_t now = clock_now_ms();

    control->refused++;
    if (control->refusal_ms != 0 && now - control->refusal_ms < 1000) {
        return;
    }
    log_warn("a command was refused: process %d is user %u, group %u, who may "
             "not ask here (%u refused so far)",
             (int)peer->pid, (unsigned)peer->uid, (unsigned)peer->gid,
             control->refused);
    control->refusal_ms = now;
}

static bool may_ask(struct control *control, int fd)
{
    struct ucred peer = { .pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1 };
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
        (peer.uid == 0 || peer.uid == geteuid() ||
         (control->group != NULL && is_in_group(fd, peer.gid, control->gid)))) {
        return true;
    }
    log_stranger(control, &peer);
    return false;
}

int control_set_group(struct control *control, const char *group, char *why,
                      size_t why_size)
{
    const char *path = control->addr.sun_path;
    const struct group *found = group != NULL ? getgrnam(group) : NULL;
    char *copy = group != NULL ? strdup(group) : NULL;

    if (group != NULL && (found == NULL || copy == NULL)) {
        free(copy);
        return reason_set(why, why_size,
                          "[server] control_group: no group \"%s\"", group);
    }
    free(control->group);
    control->group = copy;
    control->gid = found != NULL ? found->gr_gid : getegid();
    if (lchown(path, (uid_t)-1, control->gid) < 0 ||
        chmod(path, copy != NULL ? 0660 : 0600) < 0) {
        return reason_set(why, why_size, "cannot give %s to group %s: %s", path,
                          copy != NULL ? copy : "of this process",
                          reason_errno(errno));
    }
    return 0;
}

/* ---- requests ---------------------------------------------------------- */

static void heard(struct lines *lines, char *text, size_t len)
{
    struct client *client = lines->arg;
    struct control *control = client->control;
    json_t *request = json_loadb(text, len, 0, NULL);

    lines_deafen(lines);
    client->asked = true;
    poller_clear_alarm(control->poller, &client->idle);
    if (client->stranger) {
        answer_and_end(client,
                       refusal("only root, the user that runs this host, and "
                               "the group of [server] control_group may ask"));
    } else if (json_is_string(json_object_get(request, "do"))) {
        control->request(control->arg, client->ticket, request);
    } else {
        answer_and_end(
            client, refusal("a request is a line such as {\"do\":\"status\"}"));
    }
    json_decref(request);
}

/* 0: a free place. */
static struct client *find(struct control *control, uint64_t ticket)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        if (control->clients[i].ticket == ticket) {
            return &control->clients[i];
        }
    }
    return NULL;
}

/* One that only now connects takes the place of one that does not ask. */
static struct client *find_place(struct control *control)
{
    struct client *place = find(control, 0);
    struct client *oldest = NULL;

    if (place != NULL) {
        return place;
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &control->clients[i];

        if (!client->asked &&
            (oldest == NULL || client->ticket < oldest->ticket)) {
            oldest = client;
        }
    }
    if (oldest != NULL) {
        drop(oldest);
    }
    return oldest;
}

static void welcome(struct control *control, int fd)
{
    static const char full[] =
        "{\"ok\":false,\"error\":\"too many commands at once\"}\n";
    struct client *client = find_place(control);

    if (client == NULL) {
        (void)send(fd, full, sizeof full - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        return;
    }
    client->ticket = ++control->last_ticket;
    client->asked = false;
    client->stranger = !may_ask(control, fd);
    if (lines_open(&client->lines, control->poller, fd) < 0) {
        client->ticket = 0;
        return;
    }
    wait_for(client);
}

/* Said once each time that descriptors run out, however often it is tried; and
 * if they do again and again, now and then. */
static void pause_accepting(struct control *control, int error)
{
    uint64_t now = clock_now_ms();
    uint64_t left_out;

    if (!control->pausing) {
        control->pausing = true;
        control->pause_told = seldom_due(&control->failed, now, &left_out);
        if (control->pause_told) {
            log_error("the control socket takes nobody for a while: %s",
                      reason_errno(error));
        }
    }
    tally_control_paused(control->tally);
    control->watch.events = 0;
    poller_set_alarm(control->poller, &control->pause, now + PAUSE_MS);
}

static void go_on(struct control *control)
{
    if (control->pausing && control->pause_told) {
        log_info("the control socket takes commands again");
    }
    control->pausing = false;
}

static void accept_clients(struct watch *watch, short revents)
{
    struct control *control = watch->arg;

    (void)revents;
    for (;;) {
        int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            go_on(control);
            welcome(control, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            pause_accepting(control, errno);
            return;
        }
    }
}

static void end_pause(struct alarm_clock *alarm)
{
    struct control *control = alarm->arg;

    control->watch.events = POLLIN;
}

static int open_listener(struct control *control, char *why, size_t why_size)
{
    control->watch.fd = unix_listen(&control->addr, sizeof control->addr, 0600);
    if (control->watch.fd < 0 ||
        poller_add(control->poller, &control->watch) < 0) {
        return reason_set(why, why_size, "cannot listen on %s: %s",
                          control->addr.sun_path, reason_errno(errno));
    }
    return 0;
}

struct control *control_create(struct poller *poller, const char *run_dir,
                               void (*request)(void *arg, uint64_t ticket,
                                               const json_t *request),
                               void *arg, char *why, size_t why_size)
{
    struct control *control = calloc(1, sizeof *control);

    if (control == NULL) {
        reason_set(why, why_size, "out of memory");
        return NULL;
    }
    control->poller = poller;
    control->request = request;
    control->arg = arg;
    control->addr.sun_family = AF_UNIX;
    control->watch = (struct watch){
        .fd = -1, .events = POLLIN, .ready = accept_clients, .arg = control
    };
    control->pause.ring = end_pause;
    control->pause.arg = control;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &control->clients[i];

        client->control = control;
        client->lines.line_max = REQUEST_MAX;
        client->lines.line = heard;
        client->lines.gone = gone;
        client->lines.arg = client;
        client->idle.ring = idle;
        client->idle.arg = client;
    }
    if (rundir_path(run_dir, CONTROL_NAME, control->addr.sun_path,
                    sizeof control->addr.sun_path) < 0) {
        reason_set(why, why_size,
                   "[server] run_dir: %s is too long for the name of a socket",
                   run_dir);
        free(control);
        return NULL;
    }
    if (open_listener(control, why, why_size) < 0) {
        control_destroy(control);
        return NULL;
    }
    return control;
}

void control_count_in(struct control *control, struct tally *tally)
{
    control->tally = tally;
}

void control_answer(struct control *control, uint64_t ticket, json_t *answer)
{
    struct client *client = ticket != 0 ? find(control, ticket) : NULL;

    if (client == NULL) {
        json_decref(answer);
        return;
    }
    answer_and_end(client, answer);
}

void control_answer_and_hold(struct control *control, uint64_t ticket,
                             json_t *answer)
{
    struct client *client = ticket != 0 ? find(control, ticket) : NULL;

    if (client == NULL) {
        json_decref(answer);
        return;
    }
    send_answer(client, answer);
}

static void close_listener(struct control *control)
{
    poller_remove(control->poller, &control->watch);
    poller_clear_alarm(control->poller, &control->pause);
    if (control->watch.fd >= 0) {
        close(control->watch.fd);
        control->watch.fd = -1;
    }
}

int control_restore(struct control *control, char *why, size_t why_size)
{
    close_listener(control);
    control->watch.events = POLLIN;
    return open_listener(control, why, why_size) < 0
               ? -1
               : control_set_group(control, control->group, why, why_size);
}

void control_forget(struct control *control)
{
    if (control == NULL) {
        return;
    }
    close_listener(control);
    for (size_t i = 0; i < CLIENTS; i++) {
        drop(&control->clients[i]);
    }
}

void control_retire(struct control *control)
{
    if (control != NULL && control->watch.fd >= 0) {
        unlink(control->addr.sun_path);
        close_listener(control);
    }
}

void control_destroy(struct control *control)
{
    control_retire(control);
    control_forget(control);
    if (control != NULL) {
        free(control->group);
        free(control);
    }
}
