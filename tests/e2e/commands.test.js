/* commands.test.js - what an operator asks of a running host */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { PROGRAM, runCommand } = require('./lib/host.js');
const processes = require('./lib/processes.js');
const { RawSocket } = require('./lib/raw.js');
const { suite, withHost } = require('./lib/suite.js');
const { SLOWNESS, VALGRIND, until, within } = require('./lib/wait.js');

const SETUP = {
    server: { workers: 2, listen: '127.0.0.1:0, unix:web.sock' },
    log: { level: 'info' },
    routes: {
        every: { path: '/every', plugin: 'everything' },
        rooms: { path: '/rooms/*', plugin: 'echo' },
        slow: { path: '/slow', plugin: 'slowhook' },
    },
};

/* What the descriptors of a process are. */
const links = (pid) => fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
        return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
        return ''; /* closed meanwhile */
    }
});

suite('status', SETUP, ({ host, it }) => {
    it('shows the host and its workers', async () => {
        const clients = await host.inEachWorker('/every', 2);
        const pids = host.workers();

        /* Others that tried may not be seen to be gone yet. */
        await until(async () => (await host.json('status')).connections === 2,
            'two connections');
        const status = await host.json('status');

        assert.strictEqual(status.ok, true);
        assert.strictEqual(status.state, 'running');
        assert.strictEqual(status.pid, host.pid);
        assert.strictEqual(status.file, host.ini);
        assert.deepStrictEqual(status.addresses, host.addresses);
        assert.match(status.version, /^\d+\.\d+\.\d+$/);
        assert.ok(status.uptime_ms >= 0);
        assert.strictEqual(status.connections, 2);
        assert.strictEqual(status.workers.length, 2);
        for (const [i, worker] of status.workers.entries()) {
            assert.strictEqual(worker.worker, i);
            assert.strictEqual(worker.pid, pids[i]);
            assert.strictEqual(worker.state, 'running');
            assert.strictEqual(worker.connections, 1);
            assert.strictEqual(worker.restarts, 0);
            assert.strictEqual(worker.hook, undefined);
            assert.ok(worker.heartbeat_ms < 5000 * SLOWNESS);
        }
        const { code, stdout } = await host.command('status');

        assert.strictEqual(code, 0);
        assert.match(stdout,
            new RegExp(`^patchbay .*, pid ${host.pid}, running for `));
        assert.ok(stdout.includes(host.addresses.join(', ')));
        assert.match(stdout, new RegExp(`^ *0 +${pids[0]} +running `, 'm'));
        await Promise.all(clients.map((client) => client.close(1000)));
    });

    it('shows which hook keeps a worker', async () => {
        const client = await host.connect('/slow');
        const ms = VALGRIND ? '9000' : '2000';

        client.send(ms);
        const worker = await until(async () => (await host.json('status'))
            .workers.find(({ hook }) => hook), 'a hook that runs');

        assert.match(worker.hook, new RegExp('^the message hook of plugin ' +
            'slowhook, \\[route\\.slow\\], connection \\d+$'));
        assert.ok(worker.hook_ms >= 0);
        const { stdout } = await host.command('status');

        assert.match(stdout, /the message hook of plugin slowhook/);
        assert.strictEqual(await client.text(), `slept ${ms}`);
    });
});

suite('routes', SETUP, ({ host, it }) => {
    it('shows what went through them', async () => {
        const client = await host.connect('/rooms/a');

        await client.ask('12345');
        const find = (routes) =>
            routes.find(({ route }) => route === 'rooms');
        const before = find((await host.json('routes')).routes);

        assert.deepStrictEqual(
            [before.path, before.plugin, before.connections, before.accepted,
                before.messages_in, before.bytes_in, before.messages_out,
                before.bytes_out],
            ['/rooms/*', 'echo', 1, 1, 1, 5, 1, 5]);
        await client.close(1000);
        await until(async () => find((await host.json('routes')).routes)
            .connections === 0, 'no connection');
        const { code, stdout } = await host.command('routes');

        assert.strictEqual(code, 0);
        assert.match(stdout, /^ROUTE +PATH +PLUGIN +OPEN /);
        assert.match(stdout, /^rooms +\/rooms\/\* +echo +0 +0 +1 /m);
    });
});

suite('conns', SETUP, ({ host, it }) => {
    it('move no terminal, whatever a path is', async () => {
        const client = await host.connect('/rooms/%C2%9B2J%7F');

        for (const more of [[], ['--json']]) {
            const { stdout } = await host.command('conns', ...more);

            assert.ok(stdout.includes(more.length > 0 ? '/rooms/\\u009b2J\\u007f'
                : '/rooms/\\x9b2J\\x7f'), stdout);
            assert.doesNotMatch(stdout, /[\x7f-\x9f]/);
        }
        await client.close(1000);
    });

    it('lists the connections of all workers', async () => {
        const clients = await host.inEachWorker('/every?x=1', 2,
            { protocols: ['v1.everything'] });
        const { conns, total, missing } = await host.json('conns');

        assert.strictEqual(total, 2);
        assert.deepStrictEqual(missing, []);
        for (const [i, client] of clients.entries()) {
            const id = await client.value('id');
            const conn = conns.find((each) => each.id === id);

            assert.deepStrictEqual(
                [conn.route, conn.path, conn.remote, conn.subprotocol,
                    conn.messages_in, conn.queue],
                ['every', '/every', '127.0.0.1', 'v1.everything', 1, 0], i);
        }
        const { stdout } = await host.command('conns');

        assert.match(stdout, /^ *ID +ROUTE +REMOTE +PATH /);
        assert.strictEqual(stdout.trim().split('\n').length, 3);
    });

    it('lists no more than wanted', async () => {
        for (let i = 0; i < 10; i++) {
            await host.connect('/every');
        }
        const { conns, total } = await host.json('conns', '--limit', '3');

        assert.strictEqual(conns.length, 3);
        assert.strictEqual(total, 12);
        const { stdout } = await host.command('conns', '--limit=3');

        assert.match(stdout, /^3 of 12; more with --limit N$/m);
    });
});

suite('kick', SETUP, ({ host, it }) => {
    it('closes one connection, in whatever worker', async () => {
        for (const client of await host.inEachWorker('/every', 2)) {
            const id = await client.value('id');
            const { code, stdout } = await host.command('kick', id);

            assert.strictEqual(code, 0);
            assert.strictEqual(stdout, `closed ${id}\n`);
            assert.deepStrictEqual(await client.closed(),
                { code: 1008, reason: 'closed by the operator' });
        }
    });

    it('says if there is none', async () => {
        for (const id of ['999999', '562949953421313',
            '18446744073709551615']) {
            const { code, stderr } = await host.command('kick', id);

            assert.strictEqual(code, 1);
            assert.match(stderr, /no such connection/);
        }
        assert.strictEqual((await host.command('kick', 'abc')).code, 2);
        assert.strictEqual((await host.command('kick')).code, 2);
    });
});

suite('a command', SETUP, ({ host, it }) => {
    it('may be stopped while it waits, as by Ctrl-Z, and goes on', async () => {
        process.kill(host.pid, 'SIGSTOP');
        const child = spawn(PROGRAM[0], [...PROGRAM.slice(1), 'status', '-c',
            host.ini], { stdio: 'ignore' });
        const ended = once(child, 'exit');
        const isState = (state) => until(() =>
            processes.describe(child.pid)?.state === state, `state ${state}`);

        try {
            await until(() => links(child.pid).some((to) =>
                to.startsWith('socket:')), 'its socket');
            await isState('S');
            child.kill('SIGSTOP');
            await isState('T');
            child.kill('SIGCONT');
            await isState('S');
        } finally {
            process.kill(host.pid, 'SIGCONT');
        }
        assert.deepStrictEqual(await within(ended, 'its end'), [0, null]);
    });
});

suite('log', SETUP, ({ host, it }) => {
    it('changes what all processes write', async () => {
        const clients = await host.inEachWorker('/every', 2);
        const from = host.mark();

        assert.strictEqual((await host.command('log', 'debug')).stdout,
            'log level debug\n');
        for (const client of clients) {
            await client.value('logroute 4 a debug line');
        }
        for (const number of [0, 1]) {
            await host.waitLog(
                new RegExp(`debug worker ${number} .*: a debug line`),
                { from });
        }
        await host.command('log', 'error');
        const quiet = host.mark();

        for (const client of clients) {
            await client.value('logroute 3 an info line');
            await client.value('logroute 2 a warning');
        }
        /* A new worker keeps to it, too. */
        process.kill(host.workers()[0], 'SIGKILL');
        host.expected.push(/worker 0 .* killed by signal 9/);
        await until(() => host.workers().filter(Boolean).length === 2,
            'a new worker');
        await (await host.inEachWorker('/every', 2))[0]
            .value('logroute 3 an info line');
        assert.strictEqual(
            host.logged(/info line|a warning/, quiet).length, 0);
        const { code, stderr } = await host.command('log', 'loud');

        assert.strictEqual(code, 2);
        assert.match(stderr, /loud/);
    });
});

suite('reload', SETUP, ({ host, it }) => {
    it('takes up a new route, and tells what it did', async () => {
        const client = await host.connect('/every');

        fs.appendFileSync(host.ini,
            '\n[route.late]\npath = /late\nplugin = echo\n');
        const { code, stdout } = await host.command('reload');

        assert.strictEqual(code, 0);
        assert.match(stdout, /^reloaded in \d+ ms, 1 connection kept\n/);
        assert.match(stdout, /^\[route\.late\] plugin echo: added$/m);
        assert.strictEqual(await client.ask('echo here'), 'here');
        assert.strictEqual(await (await host.connect('/late')).ask('x'), 'x');
    });

    it('prints what is wrong with the file, and changes nothing',
        async () => {
            const good = fs.readFileSync(host.ini, 'utf8');

            host.expected.push(/lisen/, /duplicate/, /reload: refused/);
            fs.writeFileSync(host.ini, good.replace('[server]',
                '[server]\nlisten = localhost:9501\nlisen = x'));
            const { code, stderr } = await host.command('reload');

            assert.strictEqual(code, 3);
            assert.match(stderr,
                /patchbay\.ini:3: \[server\] lisen: .*did you mean "listen"/);
            assert.match(stderr, /patchbay\.ini:4: .*duplicate/);
            const answer = await host.command('reload', '--json');

            assert.strictEqual(answer.code, 3);
            assert.match(JSON.parse(answer.stdout).problems, /lisen/);
            fs.writeFileSync(host.ini, good);
            assert.strictEqual((await host.json('status')).state, 'running');
        });

    it('by HUP writes what is wrong to the log', async () => {
        const good = fs.readFileSync(host.ini, 'utf8');
        const from = host.mark();

        host.expected.push(/\[route\.x\]/);
        fs.writeFileSync(host.ini, `${good}\n[route.x]\nnonsense = 1\n`);
        host.signal('SIGHUP');
        await host.waitLog(/ error master: .*nonsense/, { from });
        await host.waitLog(/ error master: reload: refused/, { from });
        fs.writeFileSync(host.ini, good);
        assert.strictEqual((await host.request('/-/health')).status, 200);
    });
});

describe('stop', () => {
    it('ends the host now, and returns when it has ended',
        () => withHost(SETUP, async (host) => {
            await host.rawUpgrade('/every');
            const { code, stdout } = await host.command('stop');

            assert.strictEqual(code, 0);
            assert.strictEqual(stdout, 'ended\n');
            await host.assertEnded();
        }));
});

describe('drain', () => {
    it('lets the clients go first', () => withHost(SETUP, async (host) => {
        const client = await host.connect('/every');
        const { code, stdout } = await host.command('drain');

        assert.strictEqual(code, 0);
        assert.strictEqual(stdout, 'waiting for 1 connections\nended\n');
        assert.deepStrictEqual(await client.closed(),
            { code: 1001, reason: 'going away' });
        await host.assertEnded();
    }));

    it('is seen in the status, and stop cuts it short',
        () => withHost(SETUP, async (host) => {
            const raw = await host.rawUpgrade('/every');
            const drained = host.command('drain');

            await raw.close();
            assert.strictEqual((await host.json('status')).state, 'draining');
            const refused = await host.command('conns');

            assert.strictEqual(refused.code, 1);
            assert.match(refused.stderr, /about to end/);
            assert.strictEqual((await host.command('stop')).code, 0);
            assert.strictEqual((await drained).code, 0);
            await host.assertEnded();
        }));
});

describe('without a host', () => {
    it('commands say so, with exit code 4', () => withHost(
        { ...SETUP, start: false }, async (host) => {
            for (const command of [['status'], ['status', '--json'],
                ['routes'], ['conns'], ['reload'], ['drain'], ['stop'],
                ['kick', '1'], ['log', 'debug']]) {
                const { code, stderr } = await host.command(...command);

                assert.strictEqual(code, 4, command.join(' '));
                assert.match(stderr, /not running/);
            }
        }));

    it('nor after it was killed', () => withHost(SETUP, async (host) => {
        host.signal('SIGKILL');
        await host.ended();
        assert.ok(fs.existsSync(path.join(host.runDir, 'control.sock')));
        assert.strictEqual((await host.command('status')).code, 4);
        host.checked = true;
    }));

    it('they need a file', async () => {
        const { code, stderr } =
            await runCommand(['status', '-c', '/nowhere/patchbay.ini']);

        assert.strictEqual(code, 3);
        assert.match(stderr, /\/nowhere\/patchbay\.ini/);
    });
});

describe('usage', () => {
    it('that is wrong is exit code 2, with a hint', async () => {
        for (const [args, pattern] of [
            [[], /./],
            [['statsu'], /unknown command "statsu", did you mean "status"/],
            [['frobnicate'], /unknown command "frobnicate"/],
            [['--frobnicate'], /unknown option "--frobnicate"/],
            [['run', '--jsn'], /unknown option "--jsn"/],
            [['status', '-c'], /-c takes a value/],
            [['status', 'more'], /one word too many: "more"/],
            [['conns', '--limit', '0'], /--limit takes a number from 1/],
        ]) {
            const { code, stderr, stdout } = await runCommand(args);

            assert.strictEqual(code, 2, args.join(' '));
            assert.match(stderr + stdout, pattern);
        }
    });

    it('is explained', async () => {
        for (const args of [['help'], ['--help'], ['-h'], ['help', 'run'],
            ['run', '--help'], ['conns', '-h'], ['help', 'help']]) {
            const { code, stdout, stderr } = await runCommand(args);

            assert.strictEqual(code, 0, args.join(' '));
            assert.match(stdout, /usage: patchbay /);
            assert.strictEqual(stderr, '');
        }
        for (const args of [['version'], ['--version']]) {
            assert.match((await runCommand(args)).stdout,
                /^patchbay \d+\.\d+\.\d+ \(plugin ABI 1\.1, libwebsockets \d/);
        }
    });
});

suite('the control socket', SETUP, ({ host, it }) => {
    const ask = async (text) => {
        const raw = host.keep(await RawSocket.connect(
            { path: path.join(host.runDir, 'control.sock') }));

        raw.write(text);
        return (await raw.readTo('\n')).trim();
    };

    it('is for its owner only', () => {
        assert.strictEqual(fs.statSync(path.join(host.runDir,
            'control.sock')).mode & 0o777, 0o600);
    });

    it('refuses what makes no sense, and goes on', async () => {
        for (const text of ['\n', 'x\n', '{}\n', '[]\n', '{"do":1}\n',
            '{"do":"nothing"}\n', '{"do":"kick"}\n', '{"do":"log"}\n',
            '{"do":"conns","limit":-1}\n', '\xff\xfe\n']) {
            assert.strictEqual(JSON.parse(await ask(text)).ok, false, text);
        }
        assert.strictEqual(JSON.parse(await ask('{"do":"status"}\n')).ok,
            true);
    });

    it('is not kept busy by those that say nothing', async () => {
        const silent = await Promise.all(Array.from({ length: 40 }, () =>
            new Promise((done) => {
                const socket = net.connect(
                    path.join(host.runDir, 'control.sock'));

                socket.on('error', () => done(socket));
                socket.on('connect', () => done(socket));
            })));

        assert.strictEqual((await host.json('status')).state, 'running');
        silent.forEach((socket) => socket.destroy());
    });
});
