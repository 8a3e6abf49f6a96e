/* cluster_script.test.js - scripts/cluster: one command, two hosts, one Redis
 */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { spawn } = require('node:child_process');
const { BUILD } = require('./lib/host.js');
const { Client } = require('./lib/client.js');
const { request } = require('./lib/http.js');
const { freePort } = require('./lib/redis.js');
const { until, within } = require('./lib/wait.js');

const SCRIPT = path.join(__dirname, '../../scripts/cluster');

describe('scripts/cluster', () => {
    it('serves one room from two hosts, and ends all of it', async () => {
        const ports = [await freePort(), await freePort()];
        const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'cluster-'));
        const child = spawn('setpriv', ['--pdeathsig', 'KILL', SCRIPT,
            ...ports.map(String)], { stdio: ['ignore', 'pipe', 'pipe'],
            env: { ...process.env, BUILD_DIR: BUILD, TMPDIR: tmp } });
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
            const clients = [];

            for (const port of ports) {
                clients.push(await Client.connect(
                    `ws://localhost:${port}/echo`));
                assert.strictEqual(await clients.at(-1).ask('hi'), 'hi');
            }
            clients.forEach((client) => client.terminate());
        } catch (error) {
            error.message += `\n${log}`;
            throw error;
        } finally {
            child.kill('SIGINT');
        }
        assert.strictEqual(await within(ended, 'the end of the script'), 0,
            log);
        assert.deepStrictEqual(fs.readdirSync(tmp), [], 'left behind');
        fs.rmdirSync(tmp);
        for (const port of ports) {
            await assert.rejects(Client.connect(
                `ws://localhost:${port}/echo`));
        }
    });
});
