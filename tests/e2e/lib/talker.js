/* talker.js - a client that speaks all the time, and misses nothing */
'use strict';

const assert = require('node:assert');
const { until } = require('./wait.js');

/*
 * Of the plugin "phase": always has a few messages under way. Its answers are
 * "VERSION N": each N has to be the next. versions: those that answered, one
 * after another.
 */
class Talker {
    constructor(client) {
        this.client = client;
        this.sent = 0;
        this.heard = 0;
        this.versions = [];
        this.stopping = false;
        this.done = this.run();
        this.done.catch(() => { /* for who waits for it */ });
    }

    async run() {
        for (let i = 0; i < 4; i++) {
            this.say();
        }
        while (this.heard < this.sent) {
            const [version, count] = (await this.client.text('an answer'))
                .split(' ').map(Number);

            this.heard++;
            assert.strictEqual(count, this.heard, 'the number of the answer');
            if (this.versions.at(-1) !== version) {
                this.versions.push(version);
            }
            if (!this.stopping) {
                this.say();
            }
        }
    }

    say() {
        this.client.send('count');
        this.sent++;
    }

    /* Some more answers. */
    async more(count = 50) {
        const wanted = this.heard + count;

        await Promise.race([this.done,
            until(() => this.heard >= wanted, `${wanted} answers`)]);
    }

    async stop() {
        this.stopping = true;
        await this.done;
    }
}

module.exports = { Talker };
