/* crash.c - the end of a worker: all that is known of it, and its report */
#include "proc/crash.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "proc/autopsy.h"

/* ---- what is taken ----------------------------------------------------- */

bool crash_is_one(const struct board *board, unsigned worker, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM) {
        return WTERMSIG(status) != SIGKILL;
    }
    return atomic_load(&board_stats(board, worker)->now.hook) != HOOK_NONE ||
           atomic_load(&board_stats(board, worker)->last_words.thread) != 0;
}

void crash_take(struct crash *crash, const struct board *board, unsigned worker,
                int pid, const char *what, const char *hang)
{
    const struct worker_stats *stats = board_stats(board, worker);
    const struct last_words *words = &stats->last_words;
    uint32_t hook = atomic_load(&stats->now.hook);
    uint32_t route = atomic_load(&stats->now.route);

    crash->worker = worker;
    crash->pid = pid;
    crash->wall_ms = clock_wall_ms();
    snprintf(crash->what, sizeof crash->what, "%s", what);
    snprintf(crash->hang, sizeof crash->hang, "%s", hang != NULL ? hang : "");
    crash->hook = hook < HOOK_COUNT ? (enum hook)hook : HOOK_NONE;
    crash->plugin[0] = crash->route[0] = 0;
    if (crash->hook != HOOK_NONE && route < board->routes) {
        memcpy(crash->plugin, board->names[route].plugin, sizeof crash->plugin);
        memcpy(crash->route, board->names[route].name, sizeof crash->route);
    }
    crash->conn = crash->hook != HOOK_NONE ? stat_get(&stats->now.conn) : 0;
    crash->signal = atomic_load(&words->signal);
    crash->address = stat_get(&words->address);
    crash->thread = atomic_load(&words->thread);
    crash->remains = *board_remains(board, worker);
}

/* ---- what is written --------------------------------------------------- */

/* Up to a 0 byte, or all of it. */
static void put_bytes(FILE *out, const void *data, size_t len, bool text)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len && !(text && bytes[i] == 0); i++) {
        if (bytes[i] == '\\' || bytes[i] == '"') {
            fprintf(out, "\\%c", bytes[i]);
        } else if (bytes[i] >= 0x20 && bytes[i] < 0x7f) {
            putc(bytes[i], out);
        } else {
            fprintf(out, "\\x%02x", bytes[i]);
        }
    }
}

#define PUT_TEXT(out, array) put_bytes(out, array, sizeof(array), true)

static void put_key(FILE *out, const char *key)
{
    fprintf(out, "%-13s", key);
}

static void put_time(FILE *out, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char text[32];

    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    put_key(out, "time");
    fprintf(out, "%s.%03uZ\n", text, (unsigned)(wall_ms % 1000));
}

static void put_signal(FILE *out, const struct crash *crash)
{
    const char *name = strsignal((int)crash->signal);

    if (crash->signal == 0) {
        return;
    }
    put_key(out, "signal");
    fprintf(out, "%u (%s), address %#" PRIx64 ", thread %d\n", crash->signal,
            name != NULL ? name : "unknown", crash->address, crash->thread);
}

static void put_plugin(FILE *out, const struct crash *crash,
                       struct autopsy *autopsy)
{
    const struct witness *witness = &crash->remains.witness;
    char name[sizeof witness->plugin + sizeof witness->code];
    char id[96];

    put_key(out, "plugin");
    if (crash->remains.has_witness == 0) {
        PUT_TEXT(out, crash->plugin);
        fprintf(out, "%s\n", crash->plugin[0] != 0 ? "" : "none, as it seems");
        return;
    }
    PUT_TEXT(out, witness->plugin);
    fprintf(out, "%s", witness->version[0] != 0 ? " " : "");
    PUT_TEXT(out, witness->version);
    fprintf(out, "\n");
    put_key(out, "file");
    PUT_TEXT(out, witness->file);
    fprintf(out, ", hash ");
    PUT_TEXT(out, witness->code);
    if (autopsy != NULL) {
        snprintf(name, sizeof name, "%.*s.%.*s",
                 (int)sizeof witness->plugin - 1, witness->plugin,
                 (int)sizeof witness->code - 1, witness->code);
        autopsy_build_id(autopsy, name, id, sizeof id);
        fprintf(out, ", build id %s", id[0] != 0 ? id : "none");
    }
    fprintf(out, "\n");
}

static void put_hook(FILE *out, const struct crash *crash)
{
    const char *hook = hook_name(crash->hook);

    if (hook == NULL) {
        return;
    }
    put_key(out, "route");
    PUT_TEXT(out, crash->route);
    fprintf(out, "\n");
    put_key(out, "hook");
    fprintf(out, "%s\n", crash->hook == HOOK_WORK ? "deferred work" : hook);
}

static uint64_t between(uint64_t then_ms, uint64_t now_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

static void put_conn(FILE *out, const struct crash *crash)
{
    const struct witness *witness = &crash->remains.witness;

    if (crash->conn == 0) {
        return;
    }
    put_key(out, "connection");
    fprintf(out, "%" PRIu64 "\n", crash->conn);
    if (crash->remains.has_witness == 0 || witness->conn != crash->conn) {
        return;
    }
    put_key(out, "peer");
    PUT_TEXT(out, witness->remote);
    fprintf(out, "\n");
    put_key(out, "path");
    PUT_TEXT(out, witness->path);
    fprintf(out, "\n");
    put_key(out, "subprotocol");
    PUT_TEXT(out, witness->subprotocol);
    fprintf(out, "%s\n", witness->subprotocol[0] != 0 ? "" : "none");
    put_key(out, "open for");
    fprintf(out, "%" PRIu64 " ms\n",
            between(witness->connected_ms, crash->remains.at_ms));
    put_key(out, "received");
    fprintf(out, "%" PRIu64 " messages, %" PRIu64 " bytes\n",
            witness->messages_in, witness->bytes_in);
    put_key(out, "sent");
    fprintf(out, "%" PRIu64 " messages, %" PRIu64 " bytes\n",
            witness->messages_out, witness->bytes_out);
}

static void put_message(FILE *out, const struct recent_message *message,
                        uint64_t now_ms)
{
    size_t len =
        message->len < RECENT_BYTES ? (size_t)message->len : RECENT_BYTES;

    fprintf(out, "%" PRIu64 " ms before, %s, %" PRIu64 " bytes%s: \"",
            between(message->at_ms, now_ms),
            message->kind == BAY_TEXT ? "text" : "binary", message->len,
            message->fin != 0 ? "" : ", a piece");
    put_bytes(out, message->data, len, false);
    fprintf(out, "\"%s\n", len < message->len ? " ..." : "");
}

static void put_messages(FILE *out, const struct crash *crash)
{
    const struct recent *recent = &crash->remains.recent;
    uint32_t first =
        recent->count > RECENT_MESSAGES ? recent->count - RECENT_MESSAGES : 0;
    unsigned put = 0;

    if (crash->conn == 0) {
        return;
    }
    fprintf(out, "\nLast messages of the connection, the latest at the end:\n");
    for (uint32_t i = first; i < recent->count; i++) {
        const struct recent_message *message =
            &recent->list[i % RECENT_MESSAGES];

        if (message->conn == crash->conn) {
            put_message(out, message, crash->remains.at_ms);
            put++;
        }
    }
    if (put == 0) {
        fprintf(out, "(none are kept)\n");
    }
}

void crash_write(const struct crash *crash, const char *images_dir, FILE *out)
{
    struct autopsy *autopsy;

    fprintf(out, "patchbay crash report\n\n");
    put_time(out, crash->wall_ms);
    put_key(out, "host");
    fprintf(out, "patchbay %s, worker %u, pid %d\n", PATCHBAY_VERSION,
            crash->worker, crash->pid);
    put_key(out, "what");
    PUT_TEXT(out, crash->what);
    fprintf(out, "\n");
    put_key(out, "reason");
    fprintf(out, "%s\n", crash->hang[0] != 0 ? crash->hang : "crash");
    put_signal(out, crash);
    put_hook(out, crash);
    put_conn(out, crash);
    fflush(out);
    autopsy = autopsy_create(&crash->remains, images_dir);
    put_plugin(out, crash, autopsy);
    put_messages(out, crash);
    fflush(out);
    fprintf(out, "\nStack, the innermost call first:\n");
    if (autopsy == NULL) {
        fprintf(out, "(the worker left none%s)\n",
                crash->hang[0] != 0 ? ": see the reason" : "");
        return;
    }
    autopsy_write_stack(autopsy, out);
    fflush(out);
    fprintf(out, "\nFiles, with address and build id:\n");
    autopsy_write_files(autopsy, out);
    autopsy_destroy(autopsy);
}
