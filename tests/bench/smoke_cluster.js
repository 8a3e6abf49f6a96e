/*
 * smoke_cluster.js - is the bench of several hosts right? Nothing is timed here.
 *
 *     node smoke_cluster.js BUILD
 *
 * A short run of it; and servers with one fault each, which its generator has
 * to find. What needs Redis is left out if there is none, and so is socket.io.
 */
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const path = require('node:path');
const { execFile, spawnSync } = require('node:child_process');
const { WebSocketServer } = require('ws');
const { load } = require('./lib/load.js');

const BUILD = process.argv[2];
const BENCH = path.join(__dirname, 'cluster');
const redis = !spawnSync('redis-server', ['--version']).error;
const socketIo = ['socket.io', 'ioredis', '@socket.io/redis-adapter']
    .every((name) => {
        try {
            return require.resolve(name);
        } catch {
            return false; /* installed before the lock file had it */
        }
    });

function runs(...more) {
    return new Promise((done) => execFile(process.execPath, [BENCH,
        '--no-build', '--build', BUILD, '--rounds', '1', '--seconds', '0.05',
        '--clients', '20', ...more], { encoding: 'utf8' },
    (error, stdout, stderr) => done({ code: error ? error.code : 0, stdout,
        stderr })));
}

const row = (title, cells) =>
    new RegExp(`^\\| ${title}[^|]*(\\| [\\d.,]+ ){${cells}}`, 'm');

async function measures(setups, only, ...rows) {
    const { code, stdout, stderr } =
        await runs('--setups', setups, '--only', only);

    assert.strictEqual(code, 0, stderr);
    rows.forEach((pattern) => assert.match(stdout, pattern));
}

const ourRow = row('2 workers', 3);
const theirRow = socketIo ? [row('socket.io, [12] process', 3)] : [];
const measured = redis ? [
    measures('w2,sio2', 'rooms', ourRow, ...theirRow),
    measures('h2', 'rooms,kept,members', row('2 hosts', 3),
        /history = 100[^]*^\| 2 hosts/m,
        row('1,000 members[^|]*\\| 2 hosts', 7)),
] : [
    measures('w2,sio1', 'rooms,members', ourRow, ...theirRow),
];

async function refuses() {
    for (const [args, says] of [
        [['--rounds', '0'], /--rounds 0 is not/],
        [['--only', 'nothing'], /no case "nothing": rooms /],
        [['--setups', 'w9'], /no setup "w9": w1 /],
        [['--wrong'], /--wrong/],
    ]) {
        const { code, stderr } = await runs(...args);

        assert.strictEqual(code, 2, args.join(' '));
        assert.match(stderr, says);
    }
}

/* What hub.c does for subscribers, with one fault: deliver(n, text, send, last)
 * sends message number n, last being the one before. */
function faulty(deliver) {
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    const topics = new Map();
    let n = 0;
    let last = null;

    sockets.on('connection', (socket) => {
        socket.on('error', () => {});
        socket.on('message', (data) => {
            const [command, topic, text] = String(data).split(' ');

            if (command === 's') {
                topics.set(topic, [...topics.get(topic) ?? [], socket]);
                socket.send('a');
                return;
            }
            const others = [...topics].filter(([name]) => name !== topic)
                .flatMap(([, list]) => list);

            n++;
            topics.get(topic).forEach((to, i) =>
                deliver({ n, i, text, last, others,
                    send: (what) => to.send(what) }));
            last = text;
        });
    });
    return server;
}

const AT = 5;
const FAULTS = [
    ['none', ({ text, send }) => send(text), null],
    ['a subscriber left out', ({ n, i, text, send }) =>
        n === AT && i === 1 ? null : send(text), /did not reach everybody/],
    ['a message twice', ({ n, text, send }) => {
        send(text);
        return n === AT && send(text);
    }, /again, or out of order/],
    ['one of before', ({ n, text, last, send }) =>
        send(n === AT ? last : text), /again, or out of order/],
    ['two in the other order', ({ n, text, last, send }) => {
        if (n !== AT - 1) {
            send(text);
        }
        return n === AT && send(last);
    }, /again, or out of order/, ['-f', 2]],
    ['a changed byte', ({ n, text, send }) =>
        send(n === AT ? `${text.slice(0, -1)}!` : text), /nobody has published/],
    ['a shorter one', ({ n, text, send }) =>
        send(n === AT ? text.slice(0, -1) : text), /another length/],
    ['to another topic', ({ n, text, others, send }) => {
        send(text);
        return n === AT && others.forEach((other) => other.send(text));
    }, /not a topic of its own/, ['-t', 2]],
    ['a command that fails', ({ n, text, send }) =>
        send(n === AT ? 'e-3' : text), /e-3/],
];

async function check([what, deliver, pattern, more = []]) {
    const server = faulty(deliver);
    const port = await new Promise((done) => server.listen(0, '127.0.0.1',
        () => done(server.address().port)));
    let said = null;

    try {
        await load(BUILD, ['publish', '-p', port, '-c', 4, '-w', 0,
            '-s', pattern ? 5 : 0.2, '-l', 1, ...more],
        undefined, 'bench-crowd');
    } catch (error) {
        said = error.message;
    }
    server.closeAllConnections();
    server.close();
    if (pattern) {
        assert.match(said ?? 'nothing', pattern, `${what}: ${said}`);
    } else {
        assert.strictEqual(said, null);
    }
}

async function main() {
    await Promise.all([...measured, refuses(), ...FAULTS.map(check)]);
    console.log(`right, and ${FAULTS.length - 1} faults are found` +
        (redis ? '' : '; without redis-server: no several hosts') +
        (socketIo ? '' : '; not installed: socket.io'));
}

main().catch((error) => {
    console.error(error.stack);
    process.exit(1);
});
