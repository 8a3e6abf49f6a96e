/* traffic.js - what clients do all day, as sources of it that go on until told
 *
 * Each source is { name, counts, stop() }. Whatever a worker's end breaks is
 * connected again; what must not break is counted in counts.faults.
 */
'use strict';

const http = require('node:http');
const WebSocket = require('ws');
const { chatUrl } = require('../../e2e/lib/chat.js');

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const about = (ms) => ms * (0.5 + Math.random());

class Source {
    constructor(soak, name) {
        this.soak = soak;
        this.name = name;
        this.counts = { done: 0, faults: 0 };
        this.sockets = new Set();
        this.stopped = false;
        this.ends = [];
        this.stopping = new Promise((done) => {
            this.wake = done;
        });
    }

    /* So many milliseconds, or until it is stopped. */
    async pass(ms) {
        let timer;

        await Promise.race([this.stopping, new Promise((done) => {
            timer = setTimeout(done, ms);
        })]);
        clearTimeout(timer);
    }

    /* Runs so many times at once, each until it is stopped. */
    start(count, run) {
        for (let i = 0; i < count; i++) {
            this.ends.push((async () => {
                while (!this.stopped) {
                    await run(i);
                }
            })());
        }
        return this;
    }

    /* A connection, or null: a worker may be on its way. */
    async connect(path, options) {
        const socket = new WebSocket(this.soak.host.url(path),
            { perMessageDeflate: false, ...options });

        this.sockets.add(socket);
        socket.on('error', () => {});
        socket.ended = new Promise((done) => socket.on('close', (code) => {
            this.sockets.delete(socket);
            done(code);
        }));
        await new Promise((done) => {
            socket.once('open', done);
            socket.once('close', done);
        });
        return socket.readyState === WebSocket.OPEN ? socket : null;
    }

    fault(what) {
        this.counts.faults++;
        this.soak.faults.push(`${this.name}: ${what}`);
    }

    async stop() {
        this.stopped = true;
        this.wake();
        this.sockets.forEach((socket) => socket.terminate());
        await Promise.all(this.ends);
    }
}

/* The next message, or null at the end of the connection. */
const next = (socket) => Promise.race([socket.ended.then(() => null),
    new Promise((done) => socket.once('message', done))]);

/* Binary echoes of a size, with or without compression, byte for byte. */
function echoes(soak, name, { path, count, size, pace, ...options }) {
    const source = new Source(soak, name);
    let number = 0;

    return source.start(count, async () => {
        const socket = await source.connect(path, options);

        if (!socket) {
            return source.pass(100);
        }
        while (!source.stopped && socket.readyState === WebSocket.OPEN) {
            const data = Buffer.alloc(size, `${number++} says hello; `);
            const sent = performance.now();
            const answer = next(socket);

            socket.send(data);
            const got = await answer;

            if (got === null) {
                break;
            }
            soak.took(performance.now() - sent);
            source.counts.done++;
            if (!data.equals(got)) {
                source.fault(`${got.length} bytes that were not sent`);
            }
            await source.pass(about(pace));
        }
        socket.terminate();
        await socket.ended;
    });
}

/* People who come to rooms, talk for a while, and leave. */
function chatters(soak, count) {
    const source = new Source(soak, 'chat');
    let guests = 0;

    return source.start(count, async () => {
        const name = `guest ${guests++}`;
        const socket = await source.connect(
            chatUrl(`/rooms/${guests % 3}`, { name }));

        if (!socket) {
            return source.pass(100);
        }
        const seen = [];

        socket.on('message', (data) => {
            const event = JSON.parse(data);

            if (event.type === 'message' && event.from.name === name) {
                seen.push(Number(event.text));
            } else if (event.type === 'error') {
                source.fault(`${data}`);
            }
        });
        let said = 0;

        while (!source.stopped && socket.readyState === WebSocket.OPEN &&
            said < 8) {
            socket.send(JSON.stringify({ type: 'say', text: `${said++}` }));
            await source.pass(about(1200));
        }
        if (socket.readyState === WebSocket.OPEN && !source.stopped) {
            await source.pass(500);
            socket.close(1000);
            if (await socket.ended === 1000 &&
                !seen.every((each, i) => each === i)) {
                source.fault(`said ${said}, heard ${seen}`);
            }
        }
        source.counts.done += seen.length;
        socket.terminate();
        await socket.ended;
    });
}

/* Clients that come, say a word, and leave, one way or another. */
function comers(soak, count, pace) {
    const source = new Source(soak, 'comers');

    return source.start(count, async (i) => {
        const socket = await source.connect('/every');

        if (socket) {
            const answer = next(socket);

            socket.send('echo hello');
            const text = await answer;

            if (text !== null && `${text}` !== 'hello') {
                source.fault(`${text} instead of hello`);
            }
            source.counts.done++;
            if (i % 3 === 0) {
                socket._socket.resetAndDestroy();
            } else if (i % 3 === 1) {
                socket.terminate();
            } else {
                socket.close(1000);
            }
            await Promise.race([socket.ended, source.pass(5000)]);
            socket.terminate();
        }
        await source.pass(about(pace));
    });
}

/* Subscribers that do not read until they are closed or have missed much, and
 * the one who speaks to them. */
function deaf(soak, count) {
    const source = new Source(soak, 'deaf');

    source.start(count, async (i) => {
        const socket = await source.connect(i % 2 === 0 ? '/close' : '/drop');

        if (socket) {
            socket.send('sub news');
            await next(socket);
            socket.pause();
            await Promise.race([socket.ended, source.pass(about(15000))]);
            socket.resume();
            await Promise.race([socket.ended, source.pass(about(3000))]);
            socket.terminate();
            await socket.ended;
            source.counts.done++;
        } else {
            await source.pass(100);
        }
    });
    return source.start(2, async (i) => {
        const socket = await source.connect(i % 2 === 0 ? '/close' : '/drop');

        while (!source.stopped && socket?.readyState === WebSocket.OPEN) {
            const answer = next(socket);

            socket.send(`pub news ${'x'.repeat(16000)}`);
            await answer;
            await source.pass(about(50));
        }
        await source.pass(100);
    });
}

/* Pages, files and metrics. */
function readers(soak, count, pace) {
    const source = new Source(soak, 'pages');
    const pages = ['/', '/style.css', '/-/health', '/every', '/-/metrics'];
    let turn = 0;

    return source.start(count, async () => {
        const path = pages[turn++ % pages.length];

        await new Promise((done) => {
            const request = http.get({ ...soak.host.where(), path,
                agent: false }, (response) => {
                const right = response.statusCode === 200;

                if (!right) {
                    source.fault(`${path}: ${response.statusCode}`);
                }
                source.counts.done += right ? 1 : 0;
                response.on('error', done).on('close', done).resume();
            });

            request.on('error', done);
        });
        await source.pass(about(pace));
    });
}

module.exports = { chatters, comers, deaf, echoes, readers, sleep };
