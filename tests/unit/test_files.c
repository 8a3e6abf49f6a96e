/* test_files.c - files of [http] root: what is served, and what never is */
#include "net_rig.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "folder.h"
#include "net/exchange.h"
#include "net/files.h"
#include "net/link.h"

static bool follows_links; /* those that stay below the root */

#define SECRET "not for the public"

static void write_bytes(const char *name, const void *data, size_t len)
{
    FILE *file = fopen(folder_file(name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(folder_file(name), 0755), 0);
}

static int setup(void **state)
{
    if (folder_make(state) != 0) {
        return -1;
    }
    make_folder("www");
    make_folder("www/sub");
    make_folder("www/bare");
    make_folder("www/.git");
    write_text("secret.txt", SECRET);
    write_text("www/index.html", "the index");
    write_text("www/style.css", "the style");
    write_text("www/sub/index.html", "the index of sub");
    write_text("www/sub/a b.txt", "blank");
    write_text("www/.hidden", SECRET);
    write_text("www/.git/config", SECRET);
    return net_setup(state);
}

static int teardown(void **state)
{
    return net_teardown(state) | folder_remove(state);
}

static void start(void)
{
    net.conf.http_root = (char *)(uintptr_t)folder_file("www");
    net_start();
}

/* Counts this process's descriptors. */
static int descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    while (readdir(dir) != NULL) {
        n++;
    }
    closedir(dir);
    return n;
}

/* ---- which file -------------------------------------------------------- */

static void found(void **state)
{
    static const struct {
        const char *path, *type, *body;
    } cases[] = {
        { "/", "text/html; charset=utf-8", "the index" },
        { "/index.html", "text/html; charset=utf-8", "the index" },
        { "/style.css?v=2", "text/css; charset=utf-8", "the style" },
        { "/%73tyle.css", "text/css; charset=utf-8", "the style" },
        { "/sub/", "text/html; charset=utf-8", "the index of sub" },
        { "/sub/a%20b.txt", "text/plain; charset=utf-8", "blank" },
        { "/inside.css", "text/css; charset=utf-8", "the style" },
    };
    const size_t count = sizeof cases / sizeof cases[0];

    (void)state;
    assert_int_equal(symlink("style.css", folder_file("www/inside.css")), 0);
    start();
    for (size_t i = 0; i < count - !follows_links; i++) {
        assert_int_equal(net_get(cases[i].path), 200);
        assert_string_equal(answer_header("content-type"), cases[i].type);
        assert_string_equal(answer_header("x-content-type-options"), "nosniff");
        assert_string_equal(answer.body, cases[i].body);
    }
}

static void not_found(void **state)
{
    static const char *const paths[] = {
        "/nothing",
        "/sub",
        "/bare/",
        "/bare",
        "/style.css/",
        "/STYLE.CSS",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/sub/..%2f..%2fsecret.txt",
        "/sub/../../secret.txt",
        "/out.txt",
        "/absolute.txt",
        "/outside/secret.txt",
        "/loop",
        "/.hidden",
        "/%2ehidden",
        "/.git/config",
        "/sub/%2e%2e/.git/config",
        "/fifo",
        "/...",
        "//etc/passwd",
    };

    (void)state;
    assert_int_equal(symlink("../secret.txt", folder_file("www/out.txt")), 0);
    assert_int_equal(
        symlink(folder_file("secret.txt"), folder_file("www/absolute.txt")), 0);
    assert_int_equal(symlink("..", folder_file("www/outside")), 0);
    assert_int_equal(symlink("loop", folder_file("www/loop")), 0);
    assert_int_equal(mkfifo(folder_file("www/fifo"), 0644), 0);
    start();
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        int status = net_get(paths[i]);

        if (status != 404 || strstr(answer.body, SECRET) != NULL) {
            fail_msg("%s: %d %s", paths[i], status, answer.body);
        }
    }
}

/* A path that is longer than a name may be is no file, and no fault. */
static void long_paths(void **state)
{
    static char path[2200];

    (void)state;
    start();
    for (size_t len = 2030; len < 2060; len++) {
        memset(path, 'x', len);
        path[0] = '/';
        path[len] = '\0';
        assert_int_equal(net_get(path), len < EXCHANGE_PATH_MAX ? 404 : 400);
    }
    for (size_t at = 200; at < 2000; at += 200) { /* shorter names */
        path[at] = '/';
    }
    path[2040] = '/';
    path[2041] = '\0';
    assert_int_equal(net_get(path), 404);
}

static void types(void **state)
{
    (void)state;
    assert_string_equal(files_type("a.html"), "text/html; charset=utf-8");
    assert_string_equal(files_type("a.min.JS"),
                        "text/javascript; charset=utf-8");
    assert_string_equal(files_type("a.wasm"), "application/wasm");
    assert_string_equal(files_type("a.unknown"), "application/octet-stream");
    assert_string_equal(files_type("html"), "application/octet-stream");
    assert_string_equal(files_type(""), "application/octet-stream");
}

static void roots(void **state)
{
    struct files *files;

    (void)state;
    assert_null(files_create(folder_file("none")));
    assert_int_equal(errno, ENOENT);
    assert_null(files_create(folder_file("secret.txt")));
    assert_int_equal(errno, ENOTDIR);
    files = files_create(folder_file("www"));
    assert_non_null(files);
    files_destroy(files);
    files_destroy(NULL);

    net.conf.http_root = (char *)(uintptr_t)folder_file("none");
    assert_null(net_create_server());
    assert_true(caught_log_count("[http] root: cannot open the folder "));
    assert_true(caught_log_count("/none: No such file or directory"));
}

/* ---- how --------------------------------------------------------------- */

static int get_if_none_match(const char *tags)
{
    char request[800];

    snprintf(request, sizeof request,
             "GET /style.css HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\n\r\n",
             tags);
    return net_ask(request);
}

static void known_copies(void **state)
{
    char etag[100], list[700];

    (void)state;
    start();
    assert_int_equal(net_get("/style.css"), 200);
    snprintf(etag, sizeof etag, "%.99s", answer_header("etag"));
    assert_string_equal(answer_header("cache-control"), "no-cache");
    assert_int_equal(get_if_none_match(etag), 304);
    assert_string_equal(answer_header("etag"), etag);
    assert_null(answer_header("content-length"));
    assert_null(answer_header("content-type"));
    assert_int_equal(get_if_none_match("*"), 304);
    snprintf(list, sizeof list, "\"x\", W/%s", etag);
    assert_int_equal(get_if_none_match(list), 304);
    assert_int_equal(get_if_none_match("\"x\""), 200);
    etag[strlen(etag) - 1] = '\0'; /* without its second quote */
    assert_int_equal(get_if_none_match(etag), 200);
    snprintf(list, sizeof list, "\"%0600d\"", 1); /* more than we look at */
    assert_int_equal(get_if_none_match(list), 200);

    snprintf(list, sizeof list, "%s\"", etag);
    write_text("www/style.css", "new style"); /* of the same length */
    assert_int_equal(get_if_none_match(list), 200);
    assert_string_equal(answer.body, "new style");
}

static void methods(void **state)
{
    static const char *const others[] = { "POST", "PUT", "DELETE", "OPTIONS" };
    struct client client;
    char request[200];

    (void)state;
    start();
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(request, sizeof request,
                 "%s /style.css HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                 "\r\n",
                 others[i]);
        assert_int_equal(net_ask(request), 405);
        assert_string_equal(answer_header("allow"), "GET, HEAD");
    }
    /* behind the head of a HEAD's answer the next one begins */
    client_connect(&client);
    client_say(&client, "HEAD /style.css HTTP/1.1\r\nHost: x\r\n\r\n"
                        "GET /sub/ HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_answer_head(&client), 200);
    assert_string_equal(answer_header("content-length"), "9");
    assert_int_equal(client_answer(&client), 200);
    assert_string_equal(answer.body, "the index of sub");
    client_leave(&client);
}

/* ---- sizes ------------------------------------------------------------- */

static char *make_data(size_t len)
{
    char *data = malloc(len + 1);

    for (size_t i = 0; i < len; i++) {
        data[i] = (char)(i * 7 + i / 251);
    }
    return data;
}

/* Waits for the answer to a GET, reading so much at a time, and compares. */
static void expect_file(struct client *client, const char *data, size_t len,
                        size_t at_a_time)
{
    size_t got = 0;

    assert_int_equal(client_answer_head(client), 200);
    assert_int_equal(strtoul(answer_header("content-length"), NULL, 10), len);
    while (got < len) {
        size_t n = client->in.len < len - got ? client->in.len : len - got;

        if (n > 0) {
            assert_memory_equal(client->in.data, data + got, n);
            buf_consume(&client->in, n);
            got += n;
        } else {
            assert_false(client->ended);
            client_read(client, at_a_time);
            net_turn();
        }
    }
}

static void all_sizes(void **state)
{
    static const size_t sizes[] = { 0,     1,      65535,  65536,
                                    65537, 131072, 131073, 400000 };
    char *data = make_data(400000);
    struct client client;

    (void)state;
    start();
    client_connect(&client);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        write_bytes("www/file", data, sizes[i]);
        client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_file(&client, data, sizes[i], SIZE_MAX);
        assert_int_equal(client.in.len, 0);
    }
    /* several on their way at once, and something small behind */
    client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n"
                        "GET /file HTTP/1.1\r\nHost: x\r\n\r\n"
                        "GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_file(&client, data, 400000, SIZE_MAX);
    expect_file(&client, data, 400000, SIZE_MAX);
    assert_int_equal(client_answer(&client), 200);
    assert_string_equal(answer.body, "the style");
    client_leave(&client);
    free(data);
}

/* A client that takes its time has a chunk of the file waiting, not all. */
static void a_slow_client(void **state)
{
    size_t len = 20 << 20;
    char *data = make_data(len);
    struct client client;
    const struct exchange *exchange;
    int before;

    (void)state;
    start();
    write_bytes("www/large", data, len);
    client_connect(&client);
    before = descriptors();
    client_say(&client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    net_until(net.server->links != NULL && net.server->links->exchange != NULL);
    exchange = net.server->links->exchange;
    for (off_t at = 0; exchange->at > at || at == 0;) {
        at = exchange->at; /* others have their turn, however much it takes */
        net_turn();
        assert_true(exchange->at - at <= 4 * 65536);
    }
    net_serve_ms(50);
    assert_true(exchange->at < (off_t)(len / 2));
    assert_int_equal(descriptors(), before + 2); /* the file, the socket */
    assert_int_equal(net_get("/style.css"), 200);
    expect_file(&client, data, len, 300000);
    net_until(net.server->links->exchange == NULL);
    assert_int_equal(descriptors(), before + 1);
    client_leave(&client);
    free(data);
}

static void gone_in_the_middle(void **state)
{
    size_t len = 20 << 20;
    char *data = make_data(len);
    struct client client;
    int before;

    (void)state;
    start();
    write_bytes("www/large", data, len);
    before = descriptors();
    client_connect(&client);
    client_say(&client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_answer_head(&client), 200);
    client_leave(&client);
    net_until(stat_get(&net.stats->sockets) == 0);
    assert_int_equal(descriptors(), before);
    free(data);
}

/* It is shorter than was promised: the end tells the client so. */
static void a_file_that_shrinks(void **state)
{
    size_t len = 20 << 20;
    char *data = make_data(len);
    struct client client;

    (void)state;
    start();
    write_bytes("www/large", data, len);
    client_connect(&client);
    client_say(&client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    net_serve_ms(50);
    assert_int_equal(truncate(folder_file("www/large"), 1 << 20), 0);
    net_until(client_ended(&client));
    assert_true(client.in.len < len);
    client_leave(&client);
    free(data);
}

/* ---- without openat2 --------------------------------------------------- */

/* As in a sandbox that does not know the call; for good. */
static void forget_openat2(unsigned error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof code[0], code };

    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void links_are_not_followed(void **state)
{
    (void)state;
    assert_int_equal(symlink("style.css", folder_file("www/inside.css")), 0);
    assert_int_equal(symlink("sub", folder_file("www/other")), 0);
    start();
    assert_int_equal(net_get("/inside.css"), 404);
    assert_int_equal(net_get("/other/"), 404);
    assert_int_equal(net_get("/sub/"), 200);
    assert_int_equal(caught_log_count("[http] root: links are not followed"),
                     1);
}

static void no_descriptor_is_left(void **state)
{
    int before;

    (void)state;
    start();
    assert_int_equal(net_get("/sub/index.html"), 200);
    before = descriptors();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(net_get("/sub/index.html"), 200);
        assert_int_equal(net_get("/sub/nothing/index.html"), 404);
        assert_int_equal(net_get("/style.css/"), 404);
    }
    net_until(descriptors() == before);
}

#define FILES_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(found),
        FILES_TEST(not_found),
        FILES_TEST(long_paths),
        cmocka_unit_test(types),
        FILES_TEST(roots),
        FILES_TEST(known_copies),
        FILES_TEST(methods),
        FILES_TEST(all_sizes),
        FILES_TEST(a_slow_client),
        FILES_TEST(gone_in_the_middle),
        FILES_TEST(a_file_that_shrinks),
    };

    const struct CMUnitTest without_openat2[] = {
        FILES_TEST(found),
        FILES_TEST(not_found),
        FILES_TEST(long_paths),
        FILES_TEST(links_are_not_followed),
        FILES_TEST(no_descriptor_is_left),
    };
    int failed;

    follows_links = !under_valgrind(); /* which knows no openat2 */
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (follows_links) {
        follows_links = false;
        forget_openat2(ENOSYS);
    }
    failed += cmocka_run_group_tests(without_openat2, NULL, NULL);
    if (!under_valgrind()) {
        forget_openat2(EPERM); /* the lower error counts */
    }
    return failed + cmocka_run_group_tests(without_openat2, NULL, NULL);
}
