/*
 * servers.js - the servers of the comparison: how each is started and stopped
 *
 * All of them echo on /echo, publish what a client of /fan sends to all clients
 * of /fan, answer GET /get with the same 20 bytes, and set TCP_NODELAY.
 */
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');

const HERE = path.dirname(__dirname);
const START_MS = 10000;
const STOP_MS = 5000;

/* The patchbay.ini of the comparison: defaults, but for one worker. Limits of
 * connections are those that the cases need, as an operator would set them. */
function patchbayIni(dir, port, log) {
    return `; made by tests/bench
[server]
listen     = 127.0.0.1:${port}
workers    = 1
plugin_dir = ${dir}/plugins
run_dir    = ${dir}/run

[log]
level = warn
${log}
[route.echo]
path        = /echo
plugin      = echo
max_message = 16m

[route.fan]
path        = /fan
plugin      = fan
connections = 2000

[route.get]
path        = /get
plugin      = fan
connections = 2000

[route.mailbox]
path        = /mailbox
plugin      = mailbox
connections = 100
`;
}

function patchbayCommand(build, port, log = '') {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-bench-'));
    const ini = path.join(dir, 'patchbay.ini');

    fs.mkdirSync(path.join(dir, 'plugins'));
    fs.mkdirSync(path.join(dir, 'run'));
    for (const file of ['plugins/echo.so', 'tests/bench/fan.so',
        'tests/bench/mailbox.so']) {
        fs.copyFileSync(path.join(build, file),
            path.join(dir, 'plugins', path.basename(file)));
    }
    fs.writeFileSync(ini, patchbayIni(dir, port, log));
    return { command: [path.join(build, 'patchbay'), 'run', '-c', ini], dir };
}

const script = (name) => (build, port) => ({
    command: [process.execPath, path.join(HERE, 'servers', name), port],
});
const program = (name) => (build, port) => ({
    command: [path.join(build, 'tests/bench', name), port],
});

/* asked: only if --servers names it. */
const SERVERS = [
    { name: 'uws', title: 'uWebSockets (npm)', make: script('uws_server.js'),
        module: '@trufflesuite/uws-js-unofficial' },
    { name: 'epoll', title: 'bare epoll', make: program('bench-epoll'),
        needs: ['tests/bench/bench-epoll'] },
    { name: 'patchbay', title: 'patchbay', make: patchbayCommand,
        forks: true,
        needs: ['patchbay', 'plugins/echo.so', 'tests/bench/fan.so',
            'tests/bench/mailbox.so'] },
    { name: 'private', title: 'patchbay, crash_messages = no', asked: true,
        forks: true, needs: ['patchbay', 'plugins/echo.so',
            'tests/bench/fan.so', 'tests/bench/mailbox.so'],
        make: (build, port) =>
            patchbayCommand(build, port, 'crash_messages = no\n') },
    { name: 'lws', title: 'libwebsockets', make: program('bench-lws'),
        needs: ['tests/bench/bench-lws'] },
    { name: 'ws', title: 'Node ws', make: script('ws_server.js'),
        module: 'ws' },
];

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function freePort() {
    return new Promise((done, fail) => {
        const probe = net.createServer();

        probe.on('error', fail);
        probe.listen(0, '127.0.0.1', () => {
            const { port } = probe.address();

            probe.close(() => done(port));
        });
    });
}

function accepts(port) {
    return new Promise((done) => {
        const socket = net.connect(port, '127.0.0.1');

        socket.on('connect', () => {
            socket.destroy();
            done(true);
        });
        socket.on('error', () => done(false));
    });
}

function read(file) {
    try {
        return fs.readFileSync(file, 'utf8').trim();
    } catch {
        return ''; /* the process has gone */
    }
}

/* The children of patchbay's master that serve: others look at plugins. */
function workers(pid) {
    return read(`/proc/${pid}/task/${pid}/children`).split(' ')
        .filter((child) => /^patchbay-\d+$/.test(read(`/proc/${child}/comm`)))
        .map(Number);
}

function removeDir(dir) {
    if (dir) {
        fs.rmSync(dir, { recursive: true, force: true });
    }
}

/* Why a server cannot take part, or null. */
function missing(server, build) {
    for (const file of server.needs || []) {
        if (!fs.existsSync(path.join(build, file))) {
            return `${path.join(build, file)} is not built`;
        }
    }
    try {
        if (server.module) {
            require.resolve(server.module);
        }
        return null;
    } catch {
        return `${server.module} is not installed: npm ci --prefix tests`;
    }
}

/* Nothing that was started outlives this process, however it ends. */
const running = new Set();

process.on('exit', () => running.forEach((end) => end()));
['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) =>
    process.on(signal, () => process.exit(1)));

async function stop(server, child, dir) {
    if (child.pid && child.exitCode === null && child.signalCode === null) {
        const gone = new Promise((done) => child.once('exit', done));
        const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);

        child.kill(server.forks ? 'SIGINT' : 'SIGTERM');
        await gone;
        clearTimeout(late);
    }
    running.delete(child.end);
    removeDir(dir);
}

/*
 * Starts a server, on one processor if cpu is given. Resolves, once it accepts,
 * to { port, pid, master, workers, stop }; pid is the process that serves, or
 * the first of workers(). Rejects with what it said; error.skipped tells that it
 * cannot run here at all.
 */
async function start(server, build, cpu) {
    const port = await freePort();
    const { command, dir } = server.make(build, String(port));
    const pinned = cpu === undefined ? command
        : ['taskset', '-c', String(cpu), ...command];
    const child = spawn(pinned[0], pinned.slice(1),
        { stdio: ['ignore', 'ignore', 'pipe'] });
    const until = Date.now() + START_MS;
    let said = '';
    let broken = false;

    child.end = () => {
        child.kill('SIGKILL'); /* a worker ends with its master */
        removeDir(dir);
    };
    running.add(child.end);

    child.stderr.on('data', (text) => {
        said = (said + text).slice(-2000);
    });
    child.on('error', (error) => {
        said += error.message;
        broken = true;
    });
    for (;;) {
        const over = broken || child.exitCode !== null ||
            child.signalCode !== null || Date.now() > until;
        const [pid] = server.forks ? workers(child.pid) : [child.pid];

        if (!over && pid && await accepts(port)) {
            return { port, pid, master: child.pid, said: () => said,
                workers: () => workers(child.pid),
                stop: () => stop(server, child, dir) };
        }
        if (over) {
            const error = new Error(`${server.title} does not start: ${said}`);

            error.skipped = child.exitCode === 77;
            await stop(server, child, dir);
            throw error;
        }
        await sleep(20);
    }
}

module.exports = { SERVERS, START_MS, freePort, missing, start, sleep };
