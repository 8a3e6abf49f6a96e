/* dev.js - a patchbay dev that runs, with a plugin of its own to edit */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { PROGRAM, SANITIZER, runCommand } = require('./host.js');
const { SOON_MS, until, within } = require('./wait.js');

class Dev {
    /* A new plugin `dice` in a temporary folder. */
    static async create({ source = true } = {}) {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-dev-e2e-'));
        const dev = new this(folder);

        if (source) {
            await runCommand(['new', 'dice', '--dir', folder]);
        }
        return dev;
    }

    constructor(folder) {
        this.folder = folder;
        this.temporary = path.join(folder, 't');
        fs.mkdirSync(this.temporary);
        this.source = path.join(folder, 'dice/dice.c');
        this.said = '';
    }

    /* Runs until it says where to look; or, with ready, until it says that. */
    async start(args, { ready = /dev: open (http:[^,\s]+)/, env = {} } = {}) {
        this.child = spawn('setpriv', ['--pdeathsig', 'KILL', ...PROGRAM,
            'dev', ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.folder,
            env: { ...process.env, TMPDIR: this.temporary, ...env } });
        for (const name of ['stdout', 'stderr']) {
            this.child[name].setEncoding('utf8').on('data', (text) => {
                this.said += text;
            });
        }
        this.ended = new Promise((done) => {
            this.child.on('close', (code, signal) => done({ code, signal }));
        });
        const found = await this.says(ready);

        this.url = found[1];
        return this;
    }

    /* Waits for a pattern in what it says, from a place on. */
    async says(pattern, from = 0) {
        let found;

        try {
            await until(() => {
                found = pattern.exec(this.said.slice(from));
                return found !== null;
            }, String(pattern), SOON_MS);
        } catch (error) {
            error.message += `\n${this.said}`;
            throw error;
        }
        return found;
    }

    /* As an editor saves: into the same file. Returns a place for says. */
    edit(change, file = this.source) {
        const from = this.said.length;
        const text = fs.readFileSync(file, 'utf8');
        const changed = change(text);

        assert.notStrictEqual(changed, text);
        fs.writeFileSync(file, changed);
        return from;
    }

    get ws() {
        return `${this.url.replace(/^http/, 'ws')}dice`;
    }

    /* Ends it, and sees that nothing is left. */
    async stop(signal = 'SIGINT') {
        this.child.kill(signal);
        const result = await within(this.ended, 'the end of dev', SOON_MS);

        assert.deepStrictEqual(fs.readdirSync(this.temporary), []);
        assert.doesNotMatch(this.said, SANITIZER);
        return result;
    }

    async finish() {
        if (this.child !== undefined && this.child.exitCode === null) {
            this.child.kill('SIGKILL');
            await this.ended;
        }
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}

/* Runs a test with one, and cleans up. */
async function withDev(options, run) {
    const dev = await Dev.create(options);

    try {
        await run(dev);
    } finally {
        await dev.finish();
    }
}

module.exports = { Dev, withDev };
