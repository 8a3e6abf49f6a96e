/* start.test.js - what a host listens to and logs to, and why it does not start
 */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const { describe, it } = require('node:test');
const { Host } = require('./lib/host.js');
const { suite, withHost } = require('./lib/suite.js');
const { pass, until, within } = require('./lib/wait.js');

const ROUTES = { every: { path: '/every', plugin: 'everything' } };

const hasIpv6 = Object.values(os.networkInterfaces()).flat()
    .some(({ address }) => address === '::1');

suite('addresses', {
    server: {
        listen: `127.0.0.1:0, ${hasIpv6 ? '[::1]:0, ' : ''}` +
            'unix:one.sock, unix:sub/two.sock, 127.0.0.2:0',
        workers: 2,
    },
    files: { 'sub/x': '' },
    routes: ROUTES,
}, ({ host, it }) => {
    it('may be several at once', async () => {
        assert.strictEqual(host.addresses.length, hasIpv6 ? 5 : 4);
        for (const [index, address] of host.addresses.entries()) {
            for (let i = 0; i < 5; i++) {
                const client = await host.connect('/every', { index });

                assert.strictEqual(await client.value('remote'),
                    address.startsWith('unix:') ? 'unix'
                        : address.startsWith('[') ? '::1' : '127.0.0.1');
                client.terminate();
            }
            assert.strictEqual(
                (await host.request('/-/health', { index })).status, 200);
        }
    });

    it('each appear in the log and in the file of addresses', async () => {
        for (const address of host.addresses) {
            /* A Unix socket as it was written, others as they are. */
            const shown = address.replace(`${host.dir}/`, '');

            assert.strictEqual(host.lines.items.filter(({ message }) =>
                message.startsWith('listening on ') &&
                message.includes(shown)).length, 1, address);
        }
        assert.ok(host.addresses.every((address) =>
            !address.endsWith(':0')));
    });

    it('of Unix sockets are for the owner and its group', () => {
        assert.strictEqual(
            fs.statSync(host.file('one.sock')).mode & 0o777, 0o660);
    });

    it('of Unix sockets reach all workers', async () => {
        await host.inEachWorker('/every', 2,
            { index: host.addresses.indexOf(`unix:${host.file('one.sock')}`) });
    });
});

describe('localhost', () => {
    it('is all its addresses, with one port', () => withHost({
        server: { listen: 'localhost:0' }, routes: ROUTES,
    }, async (host) => {
        assert.deepStrictEqual(
            host.addresses.map((_, index) => host.where(index).host),
            hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']);
        for (const index of host.addresses.keys()) {
            assert.strictEqual(host.where(index).port, host.port);
            await host.connect('/every', { index });
        }
        await host.waitLog(new RegExp('listening on http://localhost:' +
            `${host.port} \\(.*127\\.0\\.0\\.1:${host.port}`));
    }));
});

describe('a Unix socket', () => {
    it('of a dead host is replaced', () => withHost({
        server: { listen: 'unix:web.sock' }, routes: ROUTES, start: false,
    }, async (host) => {
        const dead = net.createServer().listen(host.file('dead.sock'))
            .unref();

        await within(new Promise((done) => dead.on('listening', done)),
            'a socket');
        fs.linkSync(host.file('dead.sock'), host.file('web.sock'));
        await new Promise((done) => dead.close(done));
        await host.start();
        await host.connect('/every');
    }));

    it('of a live one is not', () => withHost({
        server: { listen: 'unix:web.sock' }, routes: ROUTES, start: false,
    }, async (host) => {
        const live = net.createServer().listen(host.file('web.sock'))
            .unref();

        await within(new Promise((done) => live.on('listening', done)),
            'a socket');
        assert.strictEqual((await host.startFails()).code, 1);
        await host.waitLog(new RegExp(`cannot listen on unix:web.sock: `));
        assert.ok(fs.existsSync(host.file('web.sock')));
        live.close();
    }));

    it('does not replace a file', () => withHost({
        server: { listen: 'unix:web.sock' }, routes: ROUTES, start: false,
        files: { 'web.sock': 'precious' },
    }, async (host) => {
        assert.strictEqual((await host.startFails()).code, 1);
        await host.waitLog(/cannot listen on unix:web.sock: .*not a socket/);
        assert.strictEqual(fs.readFileSync(host.file('web.sock'), 'utf8'),
            'precious');
    }));
});

describe('a host that cannot start', () => {
    /* One sentence, exit code 1, and nothing left. */
    const fails = (title, pattern, setup, prepare, after) => {
        it(title, () => withHost({
            routes: ROUTES, start: false, ...setup,
        }, async (host) => {
            const undo = await prepare?.(host);
            const { code } = await host.startFails();

            assert.strictEqual(code, 1);
            const lines = host.lines.items.map(({ text }) => text);

            assert.match(lines.at(-1), pattern);
            assert.strictEqual(lines.filter((line) => pattern.test(line) &&
                !line.startsWith('patchbay: ')).length, 1, lines.join('\n'));
            assert.deepStrictEqual(fs.readdirSync(host.dir)
                .filter((name) => name.endsWith('.sock')), []);
            await undo?.();
            after?.(lines);
        }));
    };

    fails('names the port in use',
        /error master: cannot listen on 127\.0\.0\.1:\d+: address already in/,
        {}, async (host) => {
            const server = net.createServer().listen(0, '127.0.0.1')
                .unref();

            await within(new Promise((done) => server.on('listening', done)),
                'a port');
            host.setup.server = {
                listen: `unix:ok.sock, 127.0.0.1:${server.address().port}`,
                workers: 2,
            };
            host.writeIni();
            return () => new Promise((done) => server.close(done));
        });
    fails('names the address that is not here',
        /cannot listen on 192\.0\.2\.1:9501: cannot assign requested/,
        { server: { listen: '192.0.2.1:9501' } });
    fails('names the plugin whose start hook fails',
        /error master: \[route\.bad\] plugin nostart: .*start hook failed/,
        {
            server: { workers: 2 },
            routes: { ...ROUTES, bad: { path: '/bad', plugin: 'nostart' } },
        });
    fails('has the plugins stop that had started', /start hook failed/, {
        routes: { ...ROUTES, bad: { path: '/bad', plugin: 'nostart' } },
    }, null, (lines) => assert.strictEqual(lines.filter((line) =>
        line.endsWith('stopped after 0 connections')).length, 1));
    fails('names the log file that it cannot write',
        /cannot open .*\/sub\/patchbay.log: no such file/,
        { log: { file: 'sub/patchbay.log' } });
    fails('names the run_dir that it cannot make',
        /run_dir.*cannot make .*\/file\/run: not a directory/,
        { server: { run_dir: 'file/run' }, files: { file: '' } });
});

describe('a second host', () => {
    it('does not use the same run_dir', () => withHost({ routes: ROUTES },
        async (host) => {
            const second = new Host({
                server: { run_dir: host.runDir }, routes: ROUTES,
                expected: [/./],
            });

            try {
                assert.strictEqual((await second.startFails()).code, 1);
                await second.waitLog(new RegExp(
                    `another patchbay \\(pid ${host.pid}\\) runs with ` +
                    `run_dir ${host.runDir}`));
                const client = await host.connect('/every');

                assert.strictEqual(await client.ask('echo alive'), 'alive');
                assert.deepStrictEqual(host.readAddresses(), host.addresses);
            } finally {
                await second.finish();
            }
        }));

    it('does not share the port of the first', () => withHost(
        { server: { workers: 2 }, routes: ROUTES }, async (host) => {
            const second = new Host({
                server: { listen: host.addresses[0], workers: 2 },
                routes: ROUTES, expected: [/./],
            });

            try {
                assert.strictEqual((await second.startFails()).code, 1);
                await second.waitLog(/cannot listen on .*: address already in/);
            } finally {
                await second.finish();
            }
        }));

    it('runs beside the first otherwise', () => withHost({ routes: ROUTES },
        (first) => withHost({ routes: ROUTES }, async (second) => {
            for (const host of [first, second]) {
                const client = await host.connect('/every');

                assert.strictEqual(await client.ask('echo x'), 'x');
            }
        })));
});

describe('the log', () => {
    it('may be JSON', () => withHost({
        log: { format: 'json', level: 'info', access: 'yes' },
        routes: ROUTES, start: false,
    }, async (host) => {
        host.launch();
        const parsed = async (wanted) => JSON.parse((await host.lines.find(
            ({ text }) => text.includes(wanted), wanted)).text);

        await parsed('listening on');
        host.addresses = host.readAddresses();
        const client = await host.connect('/every?x=1',
            { protocols: ['v2.everything'] });
        const id = await client.value('id');

        await client.value('log "quoted" \\ \u{1f600} \n');
        await client.close(1000);
        const line = await parsed('quoted');

        assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        delete line.time;
        assert.deepStrictEqual(line, {
            level: 'info', who: 'worker 0', route: 'every',
            plugin: 'everything', conn: id, remote: '127.0.0.1',
            message: '"quoted" \\ \u{1f600} \n',
        });
        assert.match((await parsed('"open ')).message,
            /^open \/every subprotocol v2.everything$/);
        assert.match((await parsed('"close ')).message,
            new RegExp('^close /every code 1000 after \\d+ ms, 2 messages ' +
                '\\(\\d+ bytes\\) in, 2 \\(\\d+\\) out$'));
        host.signal('SIGTERM');
        await host.ended();
        for (const { text } of host.lines.items) {
            const { level, message } = JSON.parse(text);

            assert.match(level, /^(info|debug)$/);
            assert.ok(message);
        }
        host.checked = true;
    }));

    it('may be a file, and is opened again by USR1', () => withHost({
        server: { workers: 2 },
        log: { file: 'patchbay.log' },
        routes: ROUTES,
    }, async (host) => {
        const read = (name) => fs.readFileSync(host.file(name), 'utf8');
        const clients = await host.inEachWorker('/every', 2);

        for (const client of clients) {
            await client.value('log before');
        }
        fs.renameSync(host.file('patchbay.log'), host.file('old.log'));
        host.signal('SIGUSR1');
        for (const [number, client] of clients.entries()) {
            await until(async () => {
                await client.value('log after');
                return fs.existsSync(host.file('patchbay.log')) &&
                    read('patchbay.log').includes(`worker ${number} `);
            }, `worker ${number} in the new log`);
        }
        assert.strictEqual(read('old.log').match(/: before$/gm).length, 2);
        assert.match(read('old.log'), /listening on/);
        assert.strictEqual(host.lines.length, 0, 'standard error');
        /* Nobody is blamed for it: workers look once a second who has changed
         * what is the host's. */
        await pass(2500);
        for (const client of clients) {
            await client.value('log later');
        }
        assert.doesNotMatch(read('patchbay.log'), /has changed what/);
        await host.stop();
        assert.match(read('patchbay.log'), /master: ended\n$/);
    }));

    it('that is closed by its reader ends nobody', () => withHost(
        { routes: ROUTES }, async (host) => {
            host.child.stderr.destroy();
            const client = await host.connect('/every');

            for (let i = 0; i < 10; i++) {
                assert.strictEqual(await client.value('log nobody reads'),
                    '0');
            }
            assert.strictEqual((await host.request('/-/health')).status, 200);
        }));
});
