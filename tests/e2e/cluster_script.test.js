/* cluster_script.test.js - scripts/cluster: one command, two hosts, one Redis
 */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { spawn } = require('node:child_process');
const { BUILD, PROGRAM } = require('./lib/host.js');
const { Client } = require('./lib/client.js');
const { request } = require('./lib/http.js');
const { Member, meet } = require('./lib/chat.js');
const processes = require('./lib/processes.js');
const { freePort } = require('./lib/redis.js');
const { until, within } = require('./lib/wait.js');

const SCRIPT = path.join(__dirname, '../../scripts/cluster');

/* As BUILD, but with each patchbay started by what PROGRAM begins with. */
function wrapped(dir) {
    const program = path.join(dir, 'patchbay');
    const words = PROGRAM.map((word) => `'${word}'`).join(' ');

    fs.mkdirSync(dir);
    fs.writeFileSync(program, `#!/bin/sh\nexec ${words} "$@"\n`,
        { mode: 0o755 });
    fs.symlinkSync(path.join(BUILD, 'plugins'), path.join(dir, 'plugins'));
    return dir;
}

/* A child of the script: the first host, or its Redis. */
function pidOf(script, what) {
    const { pid } = processes.childrenOf(script).find((child) => {
        const line = fs.readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');

        return what === 'host 1' ? line.includes('/1.ini')
            : line.startsWith('redis-server');
    });

    return pid;
}

describe('scripts/cluster', () => {
    it('serves one room from two hosts, and ends all of it', async () => {
        const ports = [await freePort(), await freePort()];
        const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'cluster-'));
        const [build, tmp] = [wrapped(path.join(dir, 'build')),
            path.join(dir, 'tmp')];

        fs.mkdirSync(tmp);
        const child = spawn('setpriv', ['--pdeathsig', 'KILL', SCRIPT,
            ...ports.map(String)], { stdio: ['ignore', 'pipe', 'pipe'],
            env: { ...process.env, BUILD_DIR: build, TMPDIR: tmp } });
        const ended = new Promise((done) => child.on('close', done));
        let log = '';

        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding('utf8').on('data', (text) => {
                log += text;
            });
        }
        try {
            await until(() => log.split('cluster: connected to')
                .length === 5, 'four workers with the Redis');
            for (const port of ports) {
                const { text } = await request({ host: '127.0.0.1', port },
                    '/-/health');

                assert.strictEqual(JSON.parse(text).status, 'ok');
            }
            const hosts = ports.map((port) => ({ connect: (target) =>
                Client.connect(`ws://localhost:${port}${target}`) }));
            const [a, b] = [await Member.join(hosts[0], '/chat', { name: 'a' }),
                await Member.join(hosts[1], '/chat', { name: 'b' })];

            await meet([a, b]);
            b.say('before');
            await a.hears('before', b);
            /* Any of it may end: it is started again, and the room is there. */
            for (const what of ['host 1', 'the Redis']) {
                process.kill(pidOf(child.pid, what), 'SIGKILL');
                await until(() => log.includes(
                    `cluster: ${what} has ended, and is started again`), what);
            }
            await until(async () => {
                const c = await Member.join(hosts[0], '/chat', { name: 'c' })
                    .catch(() => null);

                if (c !== null) {
                    await c.await('message', ({ text }) => text === 'before');
                    c.client.terminate();
                }
                return c !== null;
            }, 'the first host again, with what was said');
            b.client.terminate();
        } catch (error) {
            error.message += `\n${log}`;
            throw error;
        } finally {
            child.kill('SIGINT');
        }
        assert.strictEqual(await within(ended, 'the end of the script'), 0,
            log);
        assert.deepStrictEqual(fs.readdirSync(tmp), [], 'left behind');
        fs.rmSync(dir, { recursive: true });
        for (const port of ports) {
            await assert.rejects(Client.connect(
                `ws://localhost:${port}/echo`));
        }
    });
});
