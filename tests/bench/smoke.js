/*
 * smoke.js - is the comparison itself right? Nothing is timed here.
 *
 *     node smoke.js BUILD
 *
 * Every mode of the load generator against the bare epoll server and patchbay;
 * and against servers with one fault each, which it has to find.
 */
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { WebSocketServer } = require('ws');
const { load } = require('./lib/load.js');
const { SERVERS, missing, start } = require('./lib/servers.js');

const BUILD = process.argv[2];
/* In seconds: a machine with other things to do may need the longer ones. */
const SHORT = [0.1, 1, 5];
const UNTIL_FOUND = [3, 15];

const MODES = [
    { args: ['echo', '-c', 20] },
    { args: ['echo', '-c', 20, '-f', 16, '-T'] },
    { args: ['echo', '-c', 3, '-f', 2, '-b', 0] },
    { args: ['echo', '-c', 3, '-f', 4, '-b', 126] },
    { args: ['echo', '-c', 5, '-f', 8, '-b', 65000] },
    { args: ['fan', '-c', 50] },
    { args: ['fan', '-c', 50, '-f', 16] },
    { args: ['idle', '-c', 100] },
    { args: ['handshake', '-c', 5] },
    { args: ['get', '-c', 10] },
];

/* As short as it may be to measure anything. */
async function measure(args) {
    for (const [i, seconds] of SHORT.entries()) {
        try {
            return await load(BUILD, [...args, '-w', 0.02, '-s', seconds]);
        } catch (error) {
            if (i === SHORT.length - 1 ||
                !/: load: not one \w+$/.test(error.message)) {
                throw error;
            }
        }
    }
    throw new Error('no time to measure');
}

async function servesAll(server) {
    const running = await start(server, BUILD);

    try {
        for (const { args } of MODES) {
            const result = await measure(
                [...args, '-p', running.port, '-P', running.pid]);

            assert.strictEqual(result.mode, args[0]);
            if (args[0] === 'idle') {
                assert.ok(Number.isFinite(result.per_conn));
            } else {
                assert.ok(result.per_s > 0, `${args.join(' ')}: no rate`);
                assert.ok(result.max_us >= result.p99_us * 0.98 &&
                    result.p99_us >= result.p50_us && result.p50_us > 0,
                `${args.join(' ')}: delays out of order`);
            }
        }
    } finally {
        await running.stop();
    }
}

/* How a server with a fault treats message number n: what it sends for it. */
const AT = 25;
const FAULTS = {
    'a changed byte': (n, data) => {
        if (n === AT) {
            data[data.length - 1] ^= 1;
        }
        return [data];
    },
    'a shorter answer': (n, data) => [n === AT ? data.subarray(1) : data],
    'a lost answer': (n, data) => n === AT ? [] : [data],
    'a doubled answer': (n, data) => n === AT ? [data, data] : [data],
    'the answer to another message': (n, data, last) =>
        [n === AT ? last : data],
};

function listen(server) {
    return new Promise((done) => {
        server.listen(0, '127.0.0.1', () => done(server.address().port));
    });
}

/* The complaint about a server; throws if there is none. */
async function complaint(server, args) {
    const port = await listen(server);
    let found = null;

    for (let i = 0; i < UNTIL_FOUND.length && found === null; i++) {
        try {
            await load(BUILD,
                [...args, '-w', 0, '-s', UNTIL_FOUND[i], '-p', port]);
        } catch (error) {
            found = error.message;
        }
    }
    server.closeAllConnections();
    server.close();
    assert.ok(found, `not found by ${args.join(' ')}`);
    return found;
}

function webSockets(onMessage) {
    const server = http.createServer();
    const sockets = new WebSocketServer({ server, perMessageDeflate: false });

    sockets.on('connection', (socket) => {
        const state = { n: 0, last: null };

        socket.on('error', () => {});
        socket.on('message', (data, binary) =>
            onMessage(socket, data, binary, state, sockets));
    });
    return server;
}

function faultyEcho(fault) {
    return webSockets((socket, data, binary, state) => {
        const copy = Buffer.from(data);

        for (const answer of fault(++state.n, data, state.last)) {
            socket.send(answer, { binary });
        }
        state.last = copy;
    });
}

/* One subscriber is left out once. */
function faultyFan() {
    let n = 0;

    return webSockets((socket, data, binary, state, sockets) => {
        const leaveOut = ++n === AT ? [...sockets.clients].at(-1) : null;

        for (const client of sockets.clients) {
            if (client !== leaveOut) {
                client.send(data, { binary });
            }
        }
    });
}

function faultyHttp(answer) {
    let n = 0;

    return http.createServer((request, response) => answer(++n, response));
}

async function findsFaults() {
    const found = [];
    const check = async (what, server, args, pattern) => {
        const said = await complaint(server, args);

        assert.match(said, pattern, `${what}: another complaint`);
        found.push(what);
    };
    const differs = /not what was sent|more answers|missing|unknown kind/;

    await Promise.all([
        ...Object.entries(FAULTS).flatMap(([what, fault]) => [1, 8].map(
            (flight) => check(`${what}, ${flight} in flight`,
                faultyEcho(fault), ['echo', '-c', 4, '-f', flight], differs))),
        check('text for binary', webSockets((socket, data) =>
            socket.send(data, { binary: false })), ['echo', '-c', 1], differs),
        check('a Close instead of an answer', webSockets((socket, data, binary,
            state) => ++state.n === AT ? socket.close(1011)
            : socket.send(data, { binary })),
        ['echo', '-c', 2], /close code 1011/),
        check('no answer at all', webSockets(() => {}), ['echo', '-c', 2],
            /not one answer/),
        check('a subscriber left out', faultyFan(), ['fan', '-c', 10],
            /did not reach everybody|not what was sent/),
        check('no upgrade', faultyHttp((n, response) => {
            response.writeHead(426).end();
        }), ['handshake', '-c', 1], /upgrade refused: HTTP\/1.1 426/),
        check('a wrong accept', http.createServer().on('upgrade',
            (request, socket) => socket.write('HTTP/1.1 101 OK\r\n' +
                'Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n')),
        ['echo', '-c', 1], /wrong Sec-WebSocket-Accept/),
        check('a status', faultyHttp((n, response) => {
            response.writeHead(n === AT ? 500 : 200,
                { 'Content-Length': 2 }).end('ok');
        }), ['get', '-c', 2], /not a 200/),
        check('another body', faultyHttp((n, response) => {
            response.writeHead(200, { 'Content-Length': 2 })
                .end(n === AT ? 'no' : 'ok');
        }), ['get', '-c', 2], /another body/),
        check('a connection that is not kept', faultyHttp((n, response) => {
            response.writeHead(200,
                { 'Content-Length': 2, Connection: 'close' }).end('ok');
        }), ['get', '-c', 2], /ended a connection/),
    ]);
    return found.length;
}

async function main() {
    for (const server of SERVERS.filter(({ name }) =>
        ['epoll', 'patchbay', 'lws'].includes(name))) {
        const why = missing(server, BUILD);

        if (why) {
            console.log(`${server.title}: left out: ${why}`);
        } else {
            await servesAll(server);
            console.log(`${server.title}: ${MODES.length} runs are right`);
        }
    }
    console.log(`${await findsFaults()} faults are found`);
}

main().catch((error) => {
    console.error(error.stack);
    process.exit(1);
});
