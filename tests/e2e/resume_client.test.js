/* resume_client.test.js - the client of sdk/doc/resume.md does what it is for */
'use strict';

const assert = require('node:assert');
const vm = require('node:vm');
const WebSocket = require('ws');
const { documentedClient } = require('./lib/resumer.js');
const { suite } = require('./lib/suite.js');
const { Feed, within } = require('./lib/wait.js');

const SETUP = {
    server: { workers: 2 },
    routes: { kept: { path: '/kept', plugin: 'keeper', history: 100 } },
    expected: [/killed by signal 9/],
};

/* As in a browser, where nobody hears of an error who does not ask. */
class Socket extends WebSocket {
    constructor(...how) {
        super(...how);
        this.on('error', () => {});
    }
}

/* Time passes quickly for it. */
const Resuming = vm.runInNewContext(`${documentedClient()}\nResuming`, { URL,
    WebSocket: Socket, setTimeout: (run) => setTimeout(run, 5) });

class Reader {
    constructor(host) {
        this.messages = new Feed('the client');
        this.missed = new Feed('the client');
        this.client = new Resuming(host.url('/kept'),
            (message) => this.messages.push(message),
            (count) => this.missed.push(count));
        host.keep({ destroy: () => this.client.close() });
    }

    async reads(...texts) {
        for (const text of texts) {
            assert.deepStrictEqual(await this.messages.next(text), text);
        }
    }

    /* What has come and was not read. */
    rest() {
        const { items, taken } = this.messages;

        this.messages.taken = items.length;
        return items.slice(taken);
    }

    /* Without a Close, as a network that goes. */
    cut() {
        this.client.socket.terminate();
    }

    /* Until its next connection is open. */
    async isBack() {
        const { socket } = this.client;

        await within(new Promise((done) => {
            const look = () => this.client.socket !== socket &&
                this.client.socket.readyState === WebSocket.OPEN ? done() :
                setTimeout(look, 5);

            look();
        }), 'a client that comes back');
    }
}

suite('the client of resume.md', SETUP, ({ host, it }) => {
    const talk = async (...texts) => {
        const talker = await host.connect('/kept');

        await talker.text();
        for (const text of texts) {
            talker.send(text);
            while ((await talker.next()).data.toString() !== String(text));
        }
    };

    it('gets what it missed, once and in order', async () => {
        const reader = new Reader(host);

        await reader.reads('open');
        await talk('a', 'b');
        await reader.reads('a', 'b');
        for (const round of [1, 2, 3]) {
            const texts = [1, 2, 3].map((i) => `${round}.${i}`);

            /* Not before all is said. */
            reader.client.comeBack = () => {};
            reader.cut();
            await talk(...texts);
            reader.client.connect();
            assert.strictEqual(await reader.missed.next('a count'), 3);
            assert.deepStrictEqual(reader.rest().filter((text) =>
                text !== 'open'), texts);
        }
    });

    it('loses nothing when workers are killed', async () => {
        const reader = new Reader(host);
        const back = reader.isBack();

        await reader.reads('open');
        host.workers().forEach((pid) => process.kill(pid, 'SIGKILL'));
        await back;
        await reader.reads('open');
        assert.ok(await reader.missed.next('an answer') !== undefined);
        await talk('after');
        await reader.reads('after');
    });

    it('takes binary messages', async () => {
        const reader = new Reader(host);

        await reader.reads('open');
        await talk(Buffer.from('\n\0binary'));
        const data = await reader.messages.next('a binary message');

        assert.strictEqual(Buffer.from(data).toString(), '\n\0binary');
    });

    it('names no more positions than it may', async () => {
        const reader = new Reader(host);
        const { client } = reader;

        await reader.reads('open');
        for (let i = 0; i < 300; i++) {
            client.positions.set(i.toString(16).padStart(16, '0'), 'abc.1');
        }
        await talk('now'); /* so it is one of those used last */
        await reader.reads('now');
        reader.cut();
        await reader.reads('open');
        assert.strictEqual(await reader.missed.next('an answer'), 0);
        assert.strictEqual(new URL(client.socket.url).searchParams
            .get('resume').split(',').length, 257);
    });

    it('begins anew when its positions are refused', async () => {
        const reader = new Reader(host);

        await reader.reads('open');
        reader.client.positions.set('none', 'at.all');
        reader.cut();
        assert.strictEqual(await reader.missed.next('an answer'), null);
        await reader.reads('open');
        await talk('again');
        await reader.reads('again');
    });
});
