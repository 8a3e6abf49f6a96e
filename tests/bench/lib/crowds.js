/* crowds.js - one or more hosts, or processes of socket.io, and their Redis */
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { Redis } = require('../../e2e/lib/redis.js');
const { sleep, start } = require('./servers.js');

const NEEDS = ['patchbay', 'tests/bench/hub.so', 'tests/bench/bench-crowd'];
const MODULES = ['socket.io', '@socket.io/redis-adapter', 'ioredis'];
const TOGETHER_MS = 10000;

/* Limits as an operator would set them for such a crowd. */
function iniText(dir, port, { workers, node, redis }) {
    return `; made by tests/bench/cluster
[server]
listen     = 127.0.0.1:${port}
workers    = ${workers}
plugin_dir = ${dir}/plugins
run_dir    = ${dir}/run

[log]
level = error
${redis ? `
[cluster]
url  = ${redis.url()}
node = ${node}
` : ''}
[limits]
connections = 20000

[route.hub]
path   = /hub
plugin = hub

[route.kept]
path    = /kept
plugin  = hub
history = 100
`;
}

function startHost(build, cpu, setup) {
    return start({
        name: 'patchbay', title: 'patchbay', forks: true, needs: NEEDS,
        make: (tree, port) => {
            const dir = fs.mkdtempSync(
                path.join(os.tmpdir(), 'patchbay-crowd-'));
            const ini = path.join(dir, 'patchbay.ini');

            fs.mkdirSync(path.join(dir, 'plugins'));
            fs.mkdirSync(path.join(dir, 'run'));
            fs.copyFileSync(path.join(tree, 'tests/bench/hub.so'),
                path.join(dir, 'plugins/hub.so'));
            fs.writeFileSync(ini, iniText(dir, port, setup));
            return { dir,
                command: [path.join(tree, 'patchbay'), 'run', '-c', ini] };
        },
    }, build, cpu);
}

function startSocketIo(build, cpu, redis) {
    const script = path.join(__dirname, '../servers/socketio_server.js');

    return start({
        name: 'socketio', title: 'socket.io',
        make: (tree, port) => ({ command: [process.execPath, script, port,
            ...(redis ? [String(redis.port)] : [])] }),
    }, build, cpu);
}

function metrics(port) {
    return new Promise((done, fail) => {
        http.get({ host: '127.0.0.1', port, path: '/-/metrics', agent: false },
            (response) => {
                let text = '';

                response.setEncoding('utf8').on('data', (data) => {
                    text += data;
                }).on('end', () => done((name) => Number(new RegExp(
                    `^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1])));
            }).on('error', fail);
    });
}

/* Until every worker knows of those of the other hosts. */
async function together(host, { hosts, workers }) {
    const until = Date.now() + TOGETHER_MS;

    for (;;) {
        const value = await metrics(host.port);

        if (value('patchbay_cluster_up') === 1 &&
            value('patchbay_cluster_peers') ===
                workers * workers * (hosts - 1)) {
            return;
        }
        if (Date.now() > until) {
            throw new Error(`the hosts do not find each other: ${host.said()}`);
        }
        await sleep(20);
    }
}

async function startRedis(cpu) {
    const redis = new Redis({ appendfsync: 'everysec' });

    await redis.start();
    if (cpu !== undefined) {
        spawnSync('taskset', ['-a', '-p', '-c', String(cpu),
            String(redis.child.pid)]);
    }
    return redis;
}

/* Whether what a setup needs is not there: what, or null. */
function lacking(setup, build) {
    const file = NEEDS.find((need) => !fs.existsSync(path.join(build, need)));

    if (file) {
        return `${path.join(build, file)} is not built`;
    }
    if ((setup.hosts ?? setup.processes) > 1 &&
        spawnSync('redis-server', ['--version']).error) {
        return 'there is no redis-server: apt-get install redis-server';
    }
    try {
        (setup.processes ? MODULES : []).forEach((name) =>
            require.resolve(name));
        return null;
    } catch {
        return 'socket.io is not installed: npm ci --prefix tests';
    }
}

/*
 * Starts a setup, all of it on one processor if cpu is given. Resolves to
 * { ports, pids, redis, stop }: the processes of the hosts, and that of Redis,
 * which is undefined if there is none.
 */
async function startCrowd(setup, build, cpu) {
    const running = [];
    const several = (setup.hosts ?? setup.processes) > 1;
    let redis = null;
    const stop = async () => {
        await Promise.all(running.map((host) => host.stop()));
        await redis?.finish();
    };

    try {
        redis = several ? await startRedis(cpu) : null;
        for (let i = 0; i < (setup.hosts ?? 0); i++) {
            running.push(await startHost(build, cpu,
                { workers: setup.workers, node: i + 1, redis }));
        }
        for (let i = 0; i < (setup.processes ?? 0); i++) {
            running.push(await startSocketIo(build, cpu, redis));
        }
        if (setup.hosts) {
            for (const host of running) {
                while (host.workers().length < setup.workers) {
                    await sleep(10);
                }
                await (redis ? together(host, setup) : null);
            }
        }
    } catch (error) {
        await stop();
        throw error;
    }
    return {
        ports: running.map(({ port }) => port),
        pids: running.flatMap((host) => setup.hosts
            ? [host.master, ...host.workers()] : [host.pid]),
        redis: redis?.child.pid,
        said: () => running.map((host) => host.said()).join(''),
        stop,
    };
}

module.exports = { lacking, startCrowd };
