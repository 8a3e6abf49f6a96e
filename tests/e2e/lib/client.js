/* client.js - a WebSocket client that behaves: the package ws */
'use strict';

const WebSocket = require('ws');
const { Feed, within } = require('./wait.js');

/* The host refused the handshake. */
class Refused extends Error {
    constructor(answer) {
        super(`refused: ${answer.status} ${answer.text}`);
        Object.assign(this, answer);
    }
}

function readAnswer(response, done) {
    const parts = [];

    response.on('data', (part) => parts.push(part));
    response.on('error', () => {});
    response.on('close', () => done({
        status: response.statusCode,
        reason: response.statusMessage,
        headers: response.headers,
        text: Buffer.concat(parts).toString(),
    }));
}

class Client {
    /* options: those of ws, and protocols. */
    static async connect(url, { protocols = [], ...options } = {}) {
        const client = new this(new WebSocket(url, protocols,
            { perMessageDeflate: false, ...options }));

        await within(client.opened, `a WebSocket at ${url}`);
        return client;
    }

    constructor(socket) {
        this.socket = socket;
        this.messages = new Feed('the client');
        this.controls = new Feed('the client');
        this.headers = null; /* of the 101 */
        this.opened = new Promise((done, fail) => {
            socket.once('open', done);
            socket.once('unexpected-response', (request, response) =>
                readAnswer(response, (answer) => {
                    request.destroy();
                    fail(new Refused(answer));
                }));
            socket.on('error', (error) => {
                this.error = error;
                fail(error);
            });
        });
        this.ending = new Promise((done) => {
            socket.once('close', (code, reason) => {
                const how = { code, reason: reason.toString() };

                this.messages.end(`closed with ${code} "${how.reason}"`);
                done(how);
            });
        });
        socket.once('upgrade', ({ headers }) => {
            this.headers = headers;
        });
        socket.on('message', (data, binary) => this.messages.push(
            { data, binary, text: binary ? null : data.toString() }));
        for (const kind of ['ping', 'pong']) {
            socket.on(kind, (data) => this.controls.push(
                { kind, text: data.toString() }));
        }
    }

    send(data) {
        this.socket.send(data);
    }

    next(what, ms) {
        return this.messages.next(what, ms);
    }

    /* The next message, which has to be a text. */
    async text(what, ms) {
        const { text } = await this.next(what, ms);

        if (text === null) {
            throw new Error('a binary message instead of a text');
        }
        return text;
    }

    async json(what) {
        return JSON.parse(await this.text(what));
    }

    /* Sends a text; the next one is the answer. */
    ask(command) {
        this.send(command);
        return this.text(`the answer to "${command.slice(0, 80)}"`);
    }

    /* The answer of a plugin that repeats the command before it. */
    async value(command) {
        const answer = await this.ask(command);
        const name = command.split(' ')[0];

        if (answer !== name && !answer.startsWith(`${name} `)) {
            throw new Error(`"${answer}" is no answer to "${command}"`);
        }
        return answer.slice(name.length + 1);
    }

    /* How it ended: { code, reason }. */
    closed(what = 'the end of the connection', ms = undefined) {
        return within(this.ending, what, ms);
    }

    close(code, reason) {
        this.socket.close(code, reason);
        return this.closed();
    }

    terminate() {
        this.socket.terminate();
    }
}

/* The answer of a host that has to refuse. */
async function refusal(url, options) {
    try {
        (await Client.connect(url, options)).terminate();
    } catch (error) {
        if (error instanceof Refused) {
            return error;
        }
        throw error;
    }
    throw new Error(`${url}: not refused`);
}

module.exports = { Client, Refused, refusal };
