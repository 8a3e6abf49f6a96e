/* test_redis_url.c - [cluster]: where Redis is, and what is refused */
#include "ini_file.h"

#include "conf/redis_url.h"

static void expect(const char *text, const char *shown, const char *user,
                   const char *password)
{
    struct redis_url url = { 0 };
    struct buf why = { 0 };

    if (redis_url_parse(&url, text, &why) < 0) {
        fail_msg("%s: %s", text, why.data);
    }
    assert_string_equal(url.shown, shown);
    assert_string_equal(url.user ? url.user : "-", user);
    assert_string_equal(url.password ? url.password : "-", password);
    redis_url_free(&url);
    assert_null(url.shown);
}

static void takes_urls_apart(void **state)
{
    struct redis_url url = { 0 };
    struct buf why = { 0 };

    (void)state;
    expect("redis://localhost", "redis://localhost:6379", "-", "-");
    expect("redis://localhost/", "redis://localhost:6379", "-", "-");
    expect("REDIS://10.0.0.1:7000/3", "redis://10.0.0.1:7000/3", "-", "-");
    expect("redis://[::1]:7000", "redis://[::1]:7000", "-", "-");
    expect("redis://[::1]", "redis://[::1]:6379", "-", "-");
    expect("redis://u:p@h:1/0", "redis://h:1", "u", "p");
    expect("redis://:p%40%3a%2F@h:1", "redis://h:1", "-", "p@:/");
    expect("redis://u:p@ss@h:1", "redis://h:1", "u", "p@ss");
    expect("unix:/run/redis.sock", "unix:/run/redis.sock", "-", "-");

    assert_int_equal(redis_url_parse(&url, "redis://[fe80::1]:7/2", &why), 0);
    assert_string_equal(url.host, "fe80::1");
    assert_int_equal(url.port, 7);
    assert_int_equal(url.db, 2);
    assert_null(url.path);
    redis_url_free(&url);
    assert_int_equal(redis_url_parse(&url, "unix:/a/b", &why), 0);
    assert_string_equal(url.path, "/a/b");
    redis_url_free(&url);
}

static void refuse(const char *text, const char *says)
{
    struct redis_url url = { 0 };
    struct buf why = { 0 };

    assert_int_equal(redis_url_parse(&url, text, &why), -1);
    if (strncmp(why.data, says, strlen(says)) != 0) {
        fail_msg("%s: \"%s\" instead of \"%s\"", text, why.data, says);
    }
    assert_null(strstr(why.data, "secret"));
    assert_null(url.password);
    buf_free(&why);
}

static void refuses_the_rest(void **state)
{
    char longest[200] = "unix:/";

    (void)state;
    refuse("localhost:6379", "is not the URL of a Redis");
    refuse("http://localhost", "is not the URL of a Redis");
    refuse("rediss://u:secret@localhost", "asks for TLS");
    refuse("redis+sentinel://a,b", "is no single Redis");
    refuse("redis://u:secret@a:1,b:2", "is a list");
    refuse("redis://", "has no host");
    refuse("redis:///1", "has no host");
    refuse("redis://u:secret@", "has no host");
    refuse("redis://:6379", "has no host");
    refuse("redis://secret@h", "has a user without a password");
    refuse("redis://u:@h", "has an empty password");
    refuse("redis://u:secret%4@h", "has a % in its user or password");
    refuse("redis://u:secret%00@h", "has a % in its user or password");
    refuse("redis://u%:secret@h", "has a % in its user or password");
    refuse("redis://h:", "has a port that is none");
    refuse("redis://h:0", "has a port that is none");
    refuse("redis://h:65536", "has a port that is none");
    refuse("redis://h:6379x", "has a port that is none");
    refuse("redis://[::1]6379", "has a port that is none");
    refuse("redis://[]:1", "has a [ without an address");
    refuse("redis://[::1", "has a [ without an address");
    refuse("redis://h/x", "has a database that is no number");
    refuse("redis://h/1/2", "has a database that is no number");
    refuse("redis://h?db=1", "has a query");
    refuse("redis://h:1#x", "has a query");
    refuse("unix:redis.sock", "has a path that does not start with a /");
    memset(longest + 6, 'x', sizeof longest - 7);
    longest[sizeof longest - 1] = '\0';
    refuse(longest, "has too long a path");
}

static bool same(const char *a, const char *b)
{
    struct redis_url one = { 0 }, other = { 0 };
    struct buf why = { 0 };
    bool result;

    assert_int_equal(redis_url_parse(&one, a, &why), 0);
    assert_int_equal(redis_url_parse(&other, b, &why), 0);
    result = redis_url_same(&one, &other);
    redis_url_free(&one);
    redis_url_free(&other);
    return result;
}

static void knows_what_is_the_same(void **state)
{
    struct redis_url none = { 0 };

    (void)state;
    assert_true(redis_url_same(&none, &none));
    assert_true(same("redis://u:p@h", "redis://u:p@h:6379/0"));
    assert_false(same("redis://u:p@h", "redis://u:q@h"));
    assert_false(same("redis://u:p@h", "redis://v:p@h"));
    assert_false(same("redis://u:p@h", "redis://h"));
    assert_false(same("redis://h", "redis://h/1"));
}

static void is_a_section(void **state)
{
    struct conf *conf = ini_file_load("[cluster]\n"
                                      "url = redis://u:p@localhost:7000/2\n"
                                      "name = pb-1\n"
                                      "node = 255\n"
                                      "ttl = 3s\n"
                                      "queue = 1m\n");

    (void)state;
    assert_string_equal(conf->cluster.url.shown, "redis://localhost:7000/2");
    assert_string_equal(conf->cluster.name, "pb-1");
    assert_int_equal(conf->cluster.node, 255);
    assert_int_equal(conf->cluster.ttl_ms, 3000);
    assert_int_equal(conf->cluster.queue, 1 << 20);
    conf_free(conf);
    conf = ini_file_load("");
    assert_null(conf->cluster.url.shown);
    assert_string_equal(conf->cluster.name, "patchbay");
    assert_int_equal(conf->cluster.node, 0);
    conf_free(conf);
}

static void needs_both(void **state)
{
    (void)state;
    ini_file_refuse("[cluster]\nurl = redis://h\n",
                    "p.ini:1: [cluster] node: each host of a cluster needs a "
                    "number of its own: node = 1, from 1 to 255\n");
    ini_file_refuse("[cluster]\nnode = 1\n",
                    "p.ini:2: [cluster] node: needs the Redis that the hosts "
                    "share: url = redis://HOST:PORT/DB\n");
    ini_file_refuse("[cluster]\nurl = redis://h\nnode = 256\n",
                    "p.ini:3: [cluster] node: \"256\" is out of range, allowed "
                    "is 0 or from 1 to 255\n"
                    "p.ini:3: [cluster] node: each host of a cluster needs a "
                    "number of its own: node = 1, from 1 to 255\n");
    ini_file_refuse("[cluster]\nname = A B\n",
                    "p.ini:2: [cluster] name: \"A B\" is not a name, which has "
                    "1 to 63 lower case letters, digits, _ and -\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_urls_apart),
        cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(knows_what_is_the_same),
        cmocka_unit_test(is_a_section),
        cmocka_unit_test(needs_both),
    };

    return cmocka_run_group_tests(tests, ini_file_set_up, ini_file_tear_down);
}
