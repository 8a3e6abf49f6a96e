/* crashes.test.js - what is told of a plugin that crashes or hangs */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe } = require('node:test');
const { Load } = require('../faults/lib/load.js');
const { runCommand } = require('./lib/host.js');
const { suite } = require('./lib/suite.js');
const { VALGRIND, until } = require('./lib/wait.js');

/* A sanitizer's handlers would stay, and tell it their way. */
const REAL = { ASAN_OPTIONS: 'handle_segv=0:handle_sigbus=0:' +
    'handle_sigfpe=0:handle_sigill=0:handle_abort=0:detect_leaks=1' };

const ROUTES = {
    crasher: { path: '/crasher/*', plugin: 'crasher' },
    every: { path: '/every', plugin: 'everything' },
};
/* Replaced at once, however often it crashes. */
const LIMITS = { crash_limit: 100 };

/* It is compiled with -g. Compilers part what is cold. */
const ON_MESSAGE =
    /^#\d+ .* crasher_on_message[.\w]*\+0x\w+ at .*\/crasher\.c:\d+ \(/m;

const has = (text, line) => assert.match(text,
    new RegExp(`^${line}$`, 'm'), text);

/* The report of what this does, and the log's line about it. */
async function crash(host, deed, { stay = false } = {}) {
    const from = host.mark();

    await deed();
    const { message } = await host.waitLog(/ killed by signal /, { from });
    const said = await host.waitLog(/the crash report is /, { from });
    const file = /the crash report is (.*)$/.exec(said.message)[1];

    await host.waitLog(/ is back as pid/, { from });
    if (!stay) {
        host.disconnect();
    }
    return { message, file, text: fs.readFileSync(file, 'utf8') };
}

const told = (host, word, where = '/crasher/x') => async () => {
    const client = await host.connect(where);

    client.send(word);
    await client.closed();
};

/* word, signal, and what stands in the report. */
const CRASHES = [
    ['crash', '11 \\(Segmentation fault\\), address 0, thread \\d+',
        [/^#0 .* fault\+0x/m, ON_MESSAGE]],
    ['abort', '6 \\(Aborted\\), address 0, thread \\d+',
        [/^#\d+ .*abort\+0x/m, ON_MESSAGE]],
    ['overflow', '11 \\(Segmentation fault\\), address 0x[0-9a-f]+, ' +
        'thread \\d+', [/^#0 .* crasher_overflow/m]],
    ['divide', '8 \\(Floating point exception\\), address 0x[0-9a-f]+, ' +
        'thread \\d+', [/ crasher_divide\+0x/, ON_MESSAGE]],
    ['jump', '11 \\(Segmentation fault\\), address 0x1234, thread \\d+',
        [/^#0 +0x1234 \(no code there\)$/m, /^#1 .* crasher_jump\+0x/m,
            ON_MESSAGE]],
];

describe('a crash report', () => {
    suite('of a message hook', {
        server: { workers: 2 }, env: REAL, routes: ROUTES, limits: LIMITS,
        expected: [/ killed by signal (11|6|8) /],
    }, ({ host, it }) => {
        for (const [word, signal, stack] of CRASHES) {
            it(`tells of ${word}`, async () => {
                const bystanders = await host.inEachWorker('/every', 2);
                const { message, text } = await crash(host,
                    told(host, word));

                assert.match(message, new RegExp('in the message hook of ' +
                    'plugin crasher 1\\.2\\.3, \\[route\\.crasher\\], ' +
                    'connection \\d+; restarted'));
                has(text, 'reason +crash');
                has(text, `signal +${signal}`);
                has(text, 'plugin +crasher 1\\.2\\.3');
                has(text, 'file +/.*/crasher\\.so, hash [0-9a-f]{16}, ' +
                    'build id ([0-9a-f]{16,}|none)');
                has(text, 'route +crasher');
                has(text, 'hook +message');
                has(text, 'connection +\\d+');
                has(text, 'peer +127\\.0\\.0\\.1');
                has(text, 'path +/crasher/x');
                has(text, `received +1 messages, ${word.length} bytes`);
                has(text, 'sent +0 messages, 0 bytes');
                has(text, `\\d+ ms before, text, ${word.length} bytes: ` +
                    `"${word}"`);
                for (const frame of stack) {
                    assert.match(text, frame, text);
                }
                assert.strictEqual(bystanders.length, 2);
            });
        }

        it('is where status says, for its owner alone', async () => {
            const { file } = await crash(host, told(host, 'crash 1'));
            const { workers } = await host.json('status');
            const crashes = workers.map(({ last_crash: last }) => last)
                .filter(Boolean);
            const last = crashes.find(({ report }) => report === file);

            assert.match(last.what, /in the message hook of plugin crasher/);
            assert.ok(last.ago_ms >= 0);
            assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600);
            assert.strictEqual(
                fs.statSync(path.dirname(file)).mode & 0o777, 0o700);
            const { stdout } = await host.command('status');

            assert.ok(stdout.includes(`its report   ${file}\n`), stdout);
        });

        it('is counted', async () => {
            const count = async () => {
                const metrics = await host.metrics();

                return ['plugin_crashes_total{plugin="crasher"}',
                    'plugin_hangs_total{plugin="crasher"}',
                    'plugin_crashes_total{plugin="everything"}',
                    'hangs_total', 'crash_reports_written_total',
                    'crash_reports_suppressed_total',
                ].map((name) => metrics.get(`patchbay_${name}`));
            };
            const before = await count();

            await crash(host, told(host, 'crash 3'));
            const after = await count();
            const { crashes } = await host.json('status');

            assert.deepStrictEqual(after.map((each, i) => each - before[i]),
                [1, 0, 0, 0, 1, 0]);
            assert.deepStrictEqual(crashes.plugins,
                [{ plugin: 'crasher', crashes: after[0], hangs: 0 }]);
            assert.strictEqual(crashes.reports_written, after[4]);
            const { stdout } = await host.command('status');

            assert.match(stdout, new RegExp('^crashes +crasher ' +
                `${after[0]} \\(0 of them hangs\\), 0 hangs in all; ` +
                `${after[4]} reports written, 0 not$`, 'm'));
        });

        it('is listed and printed by a command, without the host, too',
            async () => {
                const { file, text } = await crash(host,
                    told(host, 'crash 0'));
                const name = path.basename(file);
                const { stdout } = await host.command('crashes');
                const [head, first] = stdout.split('\n');

                assert.match(head, /^NO +TIME +PLUGIN +ROUTE +HOOK +HOW /);
                assert.match(first, new RegExp('^ *1 +[-0-9T:.]+Z +' +
                    'crasher 1\\.2\\.3 +crasher +message +signal 11 ' +
                    `\\(Segmentation fault\\) +\\d +${name}$`));
                for (const each of ['1', name, file]) {
                    assert.strictEqual((await host.command('crashes',
                        'show', each)).stdout, text);
                }
                const { crashes } = await host.json('crashes');
                const copy = path.join(host.dir, 'copy');

                assert.strictEqual(crashes[0].file, file);
                assert.strictEqual(crashes[0].signal, 11);
                assert.strictEqual(crashes.length, fs.readdirSync(
                    path.dirname(file)).length);
                fs.cpSync(path.dirname(file), path.join(copy, 'crashes'),
                    { recursive: true });
                const there = await runCommand(['crashes', 'show', '1',
                    '--dir', copy, '--json']);

                assert.strictEqual(JSON.parse(there.stdout).crash.text, text);
                const none = await host.command('crashes', 'show', '999');

                assert.strictEqual(none.code, 1);
                assert.match(none.stderr, /^patchbay: no crash report "999" in/);
                const asked = await host.command('crashes', 'show', '\x1b[2J',
                    '--json');

                assert.strictEqual(asked.code, 1);
                assert.strictEqual(asked.stderr, '');
                assert.match(JSON.parse(asked.stdout).error,
                    /^no crash report "\x1b\[2J" in .*\/crashes, which has \d/);
                assert.strictEqual(JSON.parse(asked.stdout).ok, false);
            });

        it('lets no escapes out, and tells of this connection only',
            async () => {
                const { text } = await crash(host, async () => {
                    const client = await host.connect('/crasher/x');
                    const other = await host.connect('/crasher/y');

                    await client.ask('\u001b[31mred "\\');
                    await other.ask('of another');
                    await client.ask('é');
                    client.send('crash 2'); /* twice the same is refused */
                    await client.closed();
                });

                assert.ok(text.includes(': "\\x1b[31mred \\"\\\\"\n'), text);
                assert.ok(text.includes(': "\\xc3\\xa9"\n'), text);
                assert.ok(!text.includes('of another'));
                assert.doesNotMatch(text, /[^\n\x20-\x7e]/);
            });

        it('tells of deferred work', async () => {
            const { message, text } = await crash(host, told(host, 'work'));

            assert.match(message, new RegExp('in deferred work of plugin ' +
                'crasher 1\\.2\\.3, \\[route\\.crasher\\]; restarted'));
            has(text, 'hook +deferred work');
            assert.match(text, /^#1 .* crasher_work/m);
        });
    });

    suite('of one of many crashes', {
        env: REAL, routes: ROUTES, limits: LIMITS,
        expected: [/ killed by signal 11 /],
    }, ({ host, it }) => {
        it('is read by the master alone', async () => {
            const pipes = () => {
                const dir = `/proc/${host.workers()[0]}/fd`;

                return fs.readdirSync(dir).map((fd) => {
                    try {
                        return fs.readlinkSync(path.join(dir, fd));
                    } catch {
                        return ''; /* the folder's own */
                    }
                }).filter((to) => to.startsWith('pipe:')).length;
            };
            const before = pipes();

            /* Faster than reports are written. */
            for (let i = 0; i < 4; i++) {
                const from = host.mark();

                await told(host, `crash fast ${i}`)();
                await host.waitLog(/ is back as pid/, { from });
            }
            assert.strictEqual(pipes(), before);
        });
    });

    suite('of one worker among others', {
        server: { workers: 3 }, env: REAL, routes: ROUTES, limits: LIMITS,
        expected: [/ killed by signal (11|6) /],
    }, ({ host, it }) => {
        /* Clients that check each message, and publish to all workers. */
        for (const word of ['crash 4', 'abort', 'overflow']) {
            it(`is noticed by its own clients only: ${word}`, async () => {
                const load = await Load.start(host, 18, { pace: 5 });

                await load.flow();
                const { message } = await crash(host, async () => {
                    await told(host, word)();
                    await load.flow();
                }, { stay: true });
                const victim = Number(/worker (\d+) /.exec(message)[1]);
                await load.flow();
                assert.deepStrictEqual(load.broken, load.in(victim));
                assert.ok(load.open.length > 0);
                for (const { closed } of load.broken) {
                    assert.strictEqual(closed.code, 1006);
                }
                const { lost, doubled, reordered, wrong } =
                    await load.finish();

                assert.deepStrictEqual({ lost, doubled, reordered, wrong },
                    { lost: 0, doubled: 0, reordered: 0, wrong: 0 });
            });
        }
    });

    suite('of a hook that hangs', {
        server: { workers: 2 }, env: REAL, routes: ROUTES,
        limits: { ...LIMITS, hook_timeout: '300ms' },
        expected: [/hangs in the .*hook_timeout is/, / killed by signal 6 /],
    }, ({ host, it }) => {
        for (const [hook, deed] of [
            ['message', told(host, 'hang')],
            ['timer', told(host, 'timer')],
            ['open', told(host, 'x', '/crasher/hang')]]) {
            it(`tells where: ${hook}`, async () => {
                const { text } = await crash(host, deed);

                has(text, `reason +the ${hook} hook has not returned for ` +
                    '\\d+ ms \\(hook_timeout is 300 ms\\)');
                has(text, `hook +${hook}`);
                assert.match(text, /^#\d+ .* crasher_hang/m);
                assert.match(text,
                    new RegExp(`crasher_(on_${hook}|hang)\\+0x`));
            });
        }

        it('is counted', async () => {
            const { crashes } = await host.json('status');

            assert.deepStrictEqual(crashes, {
                plugins: [{ plugin: 'crasher', crashes: 3, hangs: 3 }],
                hangs: 3, reports_written: 3, reports_suppressed: 0,
            });
        });
    });

    suite('of a worker that hangs outside of hooks', {
        env: REAL, routes: ROUTES,
        limits: { crash_limit: 1, hook_timeout: '300ms' },
        expected: [/hangs: no hook runs/, / killed by signal 6 /],
    }, ({ host, it }) => {
        it('tells where, and blames no plugin for it', async () => {
            const { text } = await crash(host, told(host, 'later'));

            has(text, 'reason +no hook runs, but it has not come back to its ' +
                'loop for \\d+ ms');
            assert.match(text, /^#\d+ .* crasher_hang/m);
            const { crashes } = await host.json('status');

            assert.strictEqual(crashes.hangs, 1);
            assert.deepStrictEqual(crashes.plugins, []);
            assert.strictEqual((await host.metrics())
                .get('patchbay_hangs_total'), 1);
            /* It is not quarantined. */
            assert.strictEqual(await (await host.connect('/crasher/x'))
                .ask('still here'), 'still here');
        });
    });

    suite('of a hook that hangs and hears no signal', {
        env: REAL, routes: ROUTES,
        limits: { crash_limit: 3, hook_timeout: '300ms' },
        expected: [/hangs in the message hook/, /quarantined/,
            /does not even abort, since SIGABRT/, / killed by signal 9 /,
            /a message of 5 bytes has ended 2 workers/],
    }, ({ host, it }) => {
        /* Memcheck blocks the signals of whom it watches. */
        const ignored = VALGRIND ? 'blocked in it' : 'ignored by it';

        for (const [word, why] of [['block', 'blocked in it'],
            ['ignore', ignored], ['block', 'blocked in it']]) {
            it(`tells where, all the same, and why: ${word}`, async () => {
                const { message, text } = await crash(host, told(host, word));

                assert.match(message, /signal 9 .* in the message hook of plugin crasher/);
                has(text, 'reason +the message hook has not returned for ' +
                    '\\d+ ms \\(hook_timeout is 300 ms\\); ' +
                    `(no stack, since )?SIGABRT is ${why}, .*`);
                if (/, and it cannot be traced: .*not permitted$/m.test(text)) {
                    has(text, '\\(the worker left none: see the reason\\)');
                } else if (!VALGRIND) { /* it has a stack of its own */
                    has(text, 'reason .*, so its stack was read from outside');
                    assert.match(text, /^#\d+ .* crasher_hang/m);
                    assert.match(text, ON_MESSAGE);
                }
                has(text, 'plugin +crasher');
                has(text, 'file +/.*/crasher\\.so, hash [0-9a-f]{16}' +
                    '(, build id [0-9a-f]+)?');
                has(text, `\\d+ ms before, text, ${word.length} bytes: ` +
                    `"${word}"`);
            });
        }

        it('is counted, and quarantined', async () => {
            await host.waitLog(/a message of 5 bytes has ended 2 workers/);
            await host.waitLog(/plugin crasher is quarantined/);
            const { crashes, quarantined } = await host.json('status');

            assert.deepStrictEqual(crashes.plugins,
                [{ plugin: 'crasher', crashes: 3, hangs: 3 }]);
            assert.strictEqual(quarantined[0].crashes, 3);
        });
    });

    suite('of private messages', {
        env: REAL, routes: ROUTES, limits: LIMITS,
        log: { crash_messages: 'no', crash_reports: 2 },
        expected: [/ killed by signal 11 /],
    }, ({ host, it }) => {
        it('has none of them, and no more reports are kept than wanted',
            async () => {
                for (let i = 0; i < 3; i++) {
                    const { text } = await crash(host,
                        told(host, `crash ${i}`));

                    assert.ok(text.includes('(none are kept)'), text);
                    assert.ok(!text.includes('"crash '), text);
                }
                assert.strictEqual(fs.readdirSync(
                    path.join(host.runDir, 'crashes')).length, 2);
            });
    });

    suite('of messages that became private', {
        env: REAL, routes: ROUTES, limits: LIMITS,
        expected: [/ killed by signal 11 /],
    }, ({ host, it }) => {
        it('has none of those before the reload either', async () => {
            const client = await host.connect('/crasher/x');

            assert.strictEqual(await client.ask('secret'), 'secret');
            host.setup.log = { crash_messages: 'no' };
            host.writeIni();
            await host.reload();
            const { text } = await crash(host, async () => {
                client.send('crash');
                await client.closed();
            });

            assert.ok(text.includes('(none are kept)'), text);
            assert.ok(!text.includes('secret'), text);
        });
    });

    suite('of a host that stood still', {
        env: REAL, routes: ROUTES, limits: { hook_timeout: '500ms' },
    }, ({ host, it }) => {
        it('is not written', async () => {
            const client = await host.connect('/crasher/x');
            const all = [...host.workers(), host.pid];

            assert.strictEqual(await client.ask('a'), 'a');
            for (const pid of all) {
                process.kill(pid, 'SIGSTOP');
            }
            await new Promise((done) => {
                setTimeout(done, 3000); /* the time is what is tested */
            });
            for (const pid of all) {
                process.kill(pid, 'SIGCONT');
            }
            assert.strictEqual(await client.ask('b'), 'b');
            /* Two rounds of the master's. */
            const until_ms = Date.now() + 500;

            await until(() => Date.now() > until_ms, 'some rounds');
            assert.strictEqual(await client.ask('c'), 'c');
            assert.ok(!fs.existsSync(path.join(host.runDir, 'crashes')));
        });
    });
});
