/* service.test.js - under a service manager: what it is told, and its sockets */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { spawn, spawnSync } = require('node:child_process');
const { describe, it } = require('node:test');
const { withHost } = require('./lib/suite.js');
const { Feed } = require('./lib/wait.js');

const ROUTES = { echo: { path: '/echo', plugin: 'echo' } };

/* Node knows no datagrams over Unix sockets; perl is in every Debian. */
const LISTENER = `use Socket; $| = 1;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die;
bind($s, pack_sockaddr_un($ARGV[0])) or die; print "bound\\n";
while (defined recv($s, my $m, 4096, 0)) { $m =~ tr/\\n/ /; print "$m\\n"; }`;

/* As sd_listen_fds(3) says: sockets from 3 on, and whose they are. */
const LAUNCHER = `use Socket; use POSIX ();
my @fds; my $n = shift @ARGV; $^F = 100;
for (1 .. $n) {
    my $to = shift @ARGV; my $s;
    if ($to =~ m{^/}) {
        socket($s, PF_UNIX, SOCK_STREAM, 0) or die;
        bind($s, pack_sockaddr_un($to)) or die;
    } else {
        socket($s, PF_INET, SOCK_STREAM, 0) or die;
        bind($s, pack_sockaddr_in($to, inet_aton('127.0.0.1'))) or die;
    }
    listen($s, 100) or die; push @fds, $s;
}
my @no = map { fileno($_) } @fds;
my @copy = map { my $h = 60 + $_; POSIX::dup2($no[$_], $h); $h } 0 .. $#no;
POSIX::dup2($copy[$_], 3 + $_) for 0 .. $#copy;
POSIX::close($_) for @copy;
POSIX::close($_) for 3 + @no .. 40;
$ENV{LISTEN_FDS} = $n; $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDNAMES} = 'a';
exec @ARGV or die;`;

/* What is said to NOTIFY_SOCKET, one message a line. */
async function listenFor(host) {
    const file = host.file('notify');
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'perl', '-e',
        LISTENER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = new Feed('the service manager');
    let rest = '';

    child.stdout.setEncoding('utf8').on('data', (text) => {
        const lines = (rest + text).split('\n');

        rest = lines.pop();
        lines.forEach((line) => said.push(line.trim()));
    });
    host.setup.env = { NOTIFY_SOCKET: file, ...host.setup.env };
    const heard = (pattern, from = 0) => said.find(
        (line) => pattern.test(line), `a message like ${pattern}`, { from });

    await heard(/^bound$/);
    return { heard, said, end: () => child.kill() };
}

describe('a service manager', () => {
    it('is told what the host does', () => withHost({
        start: false, routes: ROUTES,
        server: { drain: '3s' },
        expected: [/duplicate section/, /lisen/, /reload: refused/],
    }, async (host) => {
        const manager = await listenFor(host);

        try {
            await host.start();
            await manager.heard(/^READY=1$/);
            let from = manager.said.length;

            await host.reload();
            await manager.heard(/^RELOADING=1 MONOTONIC_USEC=\d+$/, from);
            await manager.heard(/^READY=1$/, from);
            /* A reload that is refused has ended, too. */
            from = manager.said.length;
            fs.appendFileSync(host.ini, '\n[server]\nlisen = 1\n');
            await host.reloadFails(3);
            await manager.heard(/^RELOADING=1 /, from);
            await manager.heard(/^READY=1$/, from);
            from = manager.said.length;
            host.signal('SIGTERM');
            await manager.heard(/^STOPPING=1 EXTEND_TIMEOUT_USEC=8000000$/,
                from);
            await host.assertEnded();
        } finally {
            manager.end();
        }
    }));

    it('is told that the host is alive', () => withHost({
        start: false, routes: ROUTES, env: { WATCHDOG_USEC: '200000' },
    }, async (host) => {
        const manager = await listenFor(host);

        try {
            await host.start();
            for (let i = 0, from = 0; i < 3; i++) {
                await manager.heard(/^WATCHDOG=1$/, from);
                from = manager.said.length;
            }
        } finally {
            manager.end();
        }
    }));
});

describe('patchbay.service', () => {
    const analyze = (file) => spawnSync('systemd-analyze', ['security',
        '--offline=true', '--no-pager', file], { encoding: 'utf8' });

    it('exposes little, as systemd counts it', {
        skip: spawnSync('systemd-analyze', ['--version']).error &&
            'there is no systemd-analyze here',
    }, () => withHost({ start: false, routes: ROUTES }, async (host) => {
        const template = path.join(__dirname, '../../etc/patchbay.service.in');
        const file = host.writeFile('patchbay.service',
            fs.readFileSync(template, 'utf8').replaceAll('@bin_dir@', '/usr/bin')
                .replaceAll('@conf_dir@', '/etc'));
        const { stdout, stderr } = analyze(file);
        const score = /exposure level for patchbay\.service: ([\d.]+)/
            .exec(stdout)?.[1];

        assert.ok(Number(score) <= 2, stdout + stderr);
    }));
});

/* Started with sockets that listen, at a port and at a path. */
const activated = (port, extra = {}) => ({
    start: false, routes: ROUTES, ...extra,
    prefix: ['perl', '-e', LAUNCHER, '1', String(port)],
});

const freePort = () => new Promise((done, fail) => {
    const server = require('node:net').createServer();

    server.on('error', fail).listen(0, '127.0.0.1', () => {
        const { port } = server.address();

        server.close(() => done(port));
    });
});

describe('sockets of a service manager', () => {
    it('are served by all workers, and outlive them', async () => {
        const port = await freePort();

        await withHost(activated(port, {
            server: { listen: `127.0.0.1:${port}`, workers: 2 },
            expected: [/worker \d .*killed by signal 9/],
        }), async (host) => {
            await host.start();
            assert.deepStrictEqual(host.addresses, [`127.0.0.1:${port}`]);
            /* Two workers have one and the same, and nothing else there. */
            const table = fs.readFileSync('/proc/net/tcp', 'utf8').split('\n')
                .filter((line) => line.includes(` 0100007F:${port.toString(16)
                    .toUpperCase().padStart(4, '0')} 00000000:0000 0A `));

            assert.strictEqual(table.length, 1);
            const client = await host.connect('/echo');

            assert.strictEqual(await client.ask('hello'), 'hello');
            host.setup.server.workers = 3; /* new workers, the same socket */
            host.writeIni();
            assert.strictEqual((await host.reload()).workers, 'replaced');
            assert.strictEqual(await (await host.connect('/echo'))
                .ask('again'), 'again');
            process.kill(host.workers()[0], 'SIGKILL');
            await host.waitLog(/worker 0 is back/);
            for (let i = 0; i < 6; i++) {
                assert.strictEqual(await (await host.connect('/echo'))
                    .ask('still'), 'still');
            }
        });
    });

    it('leave the file of a Unix socket alone', () => withHost({
        start: false, routes: ROUTES, server: { listen: 'unix:web.sock' },
    }, async (host) => {
        const file = path.join(host.dir, 'web.sock');

        host.setup.prefix = ['perl', '-e', LAUNCHER, '1', file];
        await host.start();
        const client = await host.connect('/echo');

        assert.strictEqual(await client.ask('hello'), 'hello');
        await host.stop();
        assert.ok(fs.existsSync(file), 'the host has removed it');
    }));

    it('have to be those that the file names', async () => {
        const port = await freePort();

        await withHost(activated(port), async (host) => {
            assert.deepStrictEqual(await host.startFails(),
                { code: 1, signal: null });
            assert.match(host.lines.items.at(-1).text, new RegExp(
                `the service manager passes a socket at 127\\.0\\.0\\.1:${port
                }, which \\[server\\] listen does not name`));
        });
    });
});
