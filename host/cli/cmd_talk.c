/* cmd_talk.c - patchbay talk: a WebSocket client for the terminal */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/units.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/talk_input.h"
#include "cli/talk_url.h"
#include "net/dial.h"

/* After the input has ended: answers are waited for as long as they come this
 * close to each other. */
#define QUIET_US 500000

#define MAX_MESSAGE (16 << 20) /* unless --max-message says otherwise */

struct talk {
    const struct cli_call *call;
    struct talk_url url;
    struct dial *dial;
    struct talk_input *input;
    int64_t count; /* messages to wait for; 0: any number */
    int64_t received;
    int64_t max_message;
    bool binary;
    bool json;
    bool terminal; /* standard output is one */
    bool input_ended;
    volatile sig_atomic_t is_open;
    volatile sig_atomic_t interrupted;
    int status;
};

static struct talk talk; /* signals come without an argument */

/* What the server says may be part of it. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    fputs("patchbay: ", stderr);
    if (text.failed) {
        fputs("out of memory", stderr);
    } else {
        printable_put(stderr, text.data, text.len, "");
    }
    fputc('\n', stderr);
    buf_free(&text);
}

/* Names of RFC 6455 section 7.4.1 and of the registry it began. */
static const char *name_of(int code)
{
    static const char *const names[] = { "normal",
                                         "going away",
                                         "protocol error",
                                         "unsupported data",
                                         "",
                                         "no code given",
                                         "lost without a Close",
                                         "invalid data",
                                         "policy violation",
                                         "message too big",
                                         "extension missing",
                                         "internal error",
                                         "service restart",
                                         "try again later",
                                         "bad gateway" };

    if (code >= 1000 &&
        (size_t)(code - 1000) < sizeof names / sizeof names[0]) {
        return names[code - 1000];
    }
    return code >= 4000 ? "the application's own" : "";
}

/* ---- what comes -------------------------------------------------------- */

static void print_text(const char *data, size_t len)
{
    if (talk.terminal) {
        printable_put(stdout, data, len, "\n\t");
    } else {
        fwrite(data, 1, len, stdout);
    }
    putchar('\n');
}

static void print_hex(const char *data, size_t len, const char *between)
{
    for (size_t i = 0; i < len; i++) {
        printf("%s%02x", between, (unsigned char)data[i]);
    }
}

static void print_binary(const char *data, size_t len)
{
    fputs("binary:", stdout);
    print_hex(data, len, " ");
    putchar('\n');
}

static void print_json(bool binary, const char *data, size_t len)
{
    char each[JSON_CHAR_MAX];
    size_t used;

    printf("{\"%s\":\"", binary ? "binary" : "text");
    if (binary) {
        print_hex(data, len, "");
    }
    for (size_t at = 0; at < len && !binary; at += used) {
        size_t size = json_char(each, data + at, len - at, &used);

        fwrite(each, 1, size, stdout);
    }
    puts("\"}");
}

static void message(void *arg, bool binary, const char *data, size_t len)
{
    (void)arg;
    if (talk.json) {
        print_json(binary, data, len);
    } else if (binary) {
        print_binary(data, len);
    } else {
        print_text(data, len);
    }
    fflush(stdout);
    talk.received++;
    if (talk.count > 0 && talk.received == talk.count) {
        dial_close(talk.dial);
    } else if (talk.input_ended && talk.count == 0) {
        dial_set_timer(talk.dial, QUIET_US);
    }
}

static void opened(void *arg)
{
    (void)arg;
    talk.is_open = 1;
    if (isatty(STDIN_FILENO)) {
        fprintf(stderr, "connected: a line is a message; Ctrl-D ends\n");
    }
}

/* ---- what goes --------------------------------------------------------- */

static void send_line(struct talk_line *line)
{
    if (!talk.binary && !utf8_valid(line->data, line->len)) {
        say("a line of the input is not UTF-8 and was not sent; --binary sends "
            "any bytes");
        talk.status = CLI_FAILED;
    } else if (dial_send(talk.dial, talk.binary, line->data, line->len) != 0) {
        say("a line of the input could not be sent");
        talk.status = CLI_FAILED;
    }
    talk_line_free(line, dial_room);
    dial_ask(talk.dial);
}

static void ready(void *arg)
{
    struct talk_line *line;
    const char *why = NULL;

    (void)arg;
    if (talk.interrupted) {
        dial_close(talk.dial);
        return;
    }
    if (talk.input_ended) {
        return;
    }
    line = talk_input_take(talk.input, &talk.input_ended, &why);
    if (line != NULL) {
        send_line(line);
        return;
    }
    if (why != NULL) {
        say("%s", why);
        talk.status = CLI_FAILED;
    }
    if (talk.input_ended && (talk.count == 0 || why != NULL)) {
        dial_set_timer(talk.dial, QUIET_US);
    }
}

static void quiet(void *arg)
{
    (void)arg;
    dial_close(talk.dial);
}

static const char *next_header(void *arg, size_t *at)
{
    (void)arg;
    return cli_next(talk.call, "header", at);
}

/* ---- how it ends ------------------------------------------------------- */

static void closed(void *arg, int code, const char *reason, size_t len)
{
    const char *name = name_of(code);

    (void)arg;
    say("closed by the server: %d%s%s%s%.*s", code, *name != '\0' ? " " : "",
        name, len > 0 ? ": " : "", (int)len, reason);
    if (code != 1000 || talk.count > 0) {
        talk.status = CLI_FAILED;
    }
}

static void dropped(void *arg, int code, const char *why)
{
    (void)arg;
    say("closed with %d %s: %s", code, name_of(code), why);
    talk.status = CLI_FAILED;
}

static void failed(void *arg, unsigned status, const char *why)
{
    (void)arg;
    if (status != 0) {
        say("%s refuses the connection: HTTP status %u", talk.url.authority,
            status);
    } else {
        say("cannot connect to %s: %s", talk.url.authority, why);
    }
    talk.status = CLI_FAILED;
}

static void wake(void *arg)
{
    (void)arg;
    dial_wake(talk.dial);
}

/* While it connects, and if it is the second one, it does not wait. */
static void interrupt(int number)
{
    (void)number;
    if (talk.interrupted || !talk.is_open) {
        _exit(CLI_FAILED);
    }
    talk.interrupted = 1;
    dial_wake(talk.dial);
}

/* ---- the command ------------------------------------------------------- */

static int check_headers(const struct cli_call *call)
{
    const char *header;
    size_t at = 0;

    while ((header = cli_next(call, "header", &at)) != NULL) {
        const char *colon = strchr(header, ':');

        if (colon == NULL || colon == header || colon - header > 100 ||
            strpbrk(header, "\r\n") != NULL) {
            return cli_misused(call->command,
                               "--header takes 'Name: value', not \"%s\"",
                               header);
        }
    }
    return CLI_DONE;
}

static int check_max_message(const struct cli_call *call)
{
    const char *text = cli_option(call, "max-message");

    talk.max_message = MAX_MESSAGE;
    if (text != NULL && (units_parse_bytes(text, &talk.max_message) != 0 ||
                         talk.max_message < 1)) {
        return cli_misused(call->command,
                           "--max-message takes a size such as 64k or 16m, "
                           "not \"%s\"",
                           text);
    }
    return CLI_DONE;
}

static int make_dial(void)
{
    static const struct dial_events events = { .opened = opened,
                                               .message = message,
                                               .ready = ready,
                                               .timer = quiet,
                                               .closed = closed,
                                               .dropped = dropped,
                                               .failed = failed,
                                               .header = next_header };
    const struct dial_setup setup = {
        .host = talk.url.host,
        .authority = talk.url.authority,
        .target = talk.url.target,
        .port = talk.url.port,
        .tls = talk.url.tls,
        .insecure = cli_flag(talk.call, "insecure"),
        .ca = cli_option(talk.call, "ca"),
        .subprotocols = cli_option(talk.call, "subprotocol"),
        .max_message = (size_t)talk.max_message,
        .events = &events,
    };

    talk.dial = dial_create(&setup);
    if (talk.dial == NULL) {
        say("libwebsockets cannot be set up%s",
            setup.ca != NULL ? ": is the file of --ca a PEM certificate?" : "");
        return CLI_FAILED;
    }
    return CLI_DONE;
}

static int run(const struct cli_call *call)
{
    const char *text = cli_operand(call, 0);
    struct sigaction action = { .sa_handler = interrupt };
    char why[128];
    int status;

    talk.call = call;
    talk.binary = cli_flag(call, "binary");
    talk.json = cli_flag(call, "json");
    talk.terminal = isatty(STDOUT_FILENO) == 1;
    if (talk_url_parse(&talk.url, text, why, sizeof why) != 0) {
        return cli_misused(call->command, "the URL \"%s\" %s", text, why);
    }
    status = cli_number(call, "count", 1, INT64_MAX, &talk.count);
    if (status == CLI_DONE) {
        status = check_headers(call);
    }
    if (status == CLI_DONE) {
        status = check_max_message(call);
    }
    if (status == CLI_DONE) {
        status = make_dial();
    }
    if (status != CLI_DONE) {
        return status;
    }
    talk.input = talk_input_start(STDIN_FILENO, dial_room, wake, NULL);
    if (talk.input == NULL) {
        say("out of memory");
        return CLI_FAILED;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_DFL);
    dial_run(talk.dial);
    /* There is no loop left to wake. */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    fflush(stdout);
    if (talk.input_ended) {
        talk_input_free(talk.input);
        dial_destroy(talk.dial);
    } /* else its thread may still read, and wake what it was given: both go with
       * the process */
    return talk.status;
}

static const struct cli_option options[] = {
    { "count", 0, "N", false, "end after N messages have come" },
    { "header", 0, "HEADER", true,
      "'Name: value', sent along with the request" },
    { "subprotocol", 0, "LIST", false, "offer these: a, b" },
    { "binary", 0, NULL, false, "send lines as binary messages" },
    { "max-message", 0, "SIZE", false, "take no larger messages; default 16m" },
    CLI_OPTION_JSON,
    { "ca", 0, "FILE", false,
      "trust the certificates signed by this one, PEM" },
    { "insecure", 0, NULL, false, "take any certificate" },
    CLI_OPTIONS_END
};

const struct cli_command cmd_talk = {
    .name = "talk",
    .options = options,
    .operands = { "URL", 1, 1 },
    .summary = "talk to a WebSocket: a line in, a line out",
    .help = "Sends each line of the input as a message, and prints each that "
            "comes as a line;\n"
            "binary ones in hexadecimal behind \"binary:\". A text may look "
            "like one, or hold line\n"
            "feeds: --json prints {\"text\":\"...\"} or "
            "{\"binary\":\"ff00\"} for each, in one line. On\n"
            "a terminal, control characters are printed as \\x1b.\n"
            "\n"
            "When the input ends it waits until half a second has brought no "
            "answer, or with\n"
            "--count until so many have come, and closes with 1000. A message "
            "larger than\n"
            "--max-message is not taken: it closes with 1009.\n"
            "\n"
            "Exit status: 0 done; 1 it could not connect, was refused, the "
            "server closed with\n"
            "another code than 1000 or before --count was reached, a message "
            "was too large, or\n"
            "a line could not be sent.\n",
    .run = run,
};
