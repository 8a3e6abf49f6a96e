/* halfopen.fault.js - peers behind a network that drops everything
 *
 * All of it in a network namespace of its own, where this file runs again, with
 * a second one for the peers: nothing of this machine's network is touched.
 */
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { execFileSync, spawn } = require('node:child_process');
const { SLOWNESS, until } = require('../e2e/lib/wait.js');
const { NotHere, fault, lapText, ms } = require('./lib/fault.js');

const INSIDE = 'PATCHBAY_FAULTS_NAMESPACE';
const HERE = '10.213.0.1';
const THERE = '10.213.0.2';

const sh = (text) => execFileSync('sh', ['-c', text],
    { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });

/* The other side: a process in a namespace behind a pair of interfaces. */
async function makeNetwork() {
    const peer = spawn('unshare', ['-n', 'setpriv', '--pdeathsig', 'KILL',
        process.execPath, path.join(__dirname, 'lib/peers.js')],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    const inside = `nsenter -t ${peer.pid} -n `;

    await new Promise((done, fail) => {
        peer.once('message', done);
        peer.once('exit', () => fail(new NotHere('no namespace')));
    });
    sh(`ip link set lo up
        ip link add here type veth peer name there netns ${peer.pid}
        ip addr add ${HERE}/24 dev here && ip link set here up
        ${inside} ip addr add ${THERE}/24 dev there
        ${inside} ip link set there up`);
    return {
        peer,
        ask: (command) => new Promise((done, fail) => {
            const timer = setTimeout(() => fail(new Error(
                `no answer to ${command.do}`)), 20000);

            peer.once('message', (answer) => {
                clearTimeout(timer);
                done(answer);
            });
            peer.send(command);
        }),
        /* What the peers send is thrown away, and they have no address. */
        cut: () => sh(`${inside} ip route add blackhole ${HERE}/32
            ip link set here arp off
            ${inside} ip addr flush dev there`),
    };
}

async function halfOpen({ host, full, row, load }) {
    const count = full ? 200 : 40;
    const network = await makeNetwork();

    try {
        host.setup.server = { workers: 2, listen: `127.0.0.1:0, ${HERE}:0` };
        host.writeIni();
        await host.start();
        const crowd = await load(20);

        for (const path of ['/every', '/closing']) {
            await network.ask({ do: 'connect', url: host.url(path,
                { index: 1 }), count });
        }
        await crowd.flow(300);
        const connections = async () => {
            const metrics = await host.metrics();

            return ['every', 'closing'].map((route) =>
                metrics.get(`patchbay_connections{route="${route}"}`));
        };

        assert.deepStrictEqual(await connections(), [count + 20, count]);
        network.cut();
        const start = performance.now();

        crowd.lap();
        /* Some are only silent, to others something is sent all the time. */
        const publisher = await host.connect('/closing');
        let ended = null;

        await until(async () => {
            publisher.send(`pub news ${'x'.repeat(3000)}`);
            await publisher.text();
            const [every, closing] = await connections();

            if (closing === 1) {
                ended ??= performance.now();
            }
            return every === 20 && closing === 1;
        }, 'the end of the half-open ones', 30000);
        const took = performance.now() - start;

        /* ping, ping_wait and close_wait are 9 s; the rest is for a machine that
         * has other things to do. */
        assert.ok(took < 18000 * SLOWNESS, `${took} ms`);
        assert.deepStrictEqual(crowd.broken, []);
        row.done = `${count} silent peers, and ${count} with messages on ` +
            'their way, whose packets are all dropped; ' +
            '`ping = 1s, ping_wait = 3s`';
        row.recovery = `all ended after ${ms(took)}`;
        row.seen = `echoes of the others ${lapText(crowd.lap())}`;
    } finally {
        network.peer.kill('SIGKILL');
    }
}

/* This very fault again, in a namespace. */
async function again({ host, full, row }) {
    try {
        sh('unshare -n true && ip -V && nsenter -V');
    } catch {
        throw new NotHere('takes root, and the package iproute2');
    }
    host.checked = true;
    const text = execFileSync('unshare', ['-n', process.execPath,
        path.join(__dirname, 'run'), 'halfopen', '--json',
        ...full ? ['--full'] : []],
    { env: { ...process.env, [INSIDE]: '1' }, encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 26 });
    const [inner] = JSON.parse(text);

    if (inner.skipped) {
        throw new NotHere(inner.skipped);
    }
    Object.assign(row, inner);
    return inner;
}

fault('half-open peers', {
    start: false,
    limits: { ping: '1s', ping_wait: '3s' },
    routes: {
        every: { path: '/every', plugin: 'everything' },
        closing: { path: '/closing', plugin: 'everything' },
    },
}, process.env[INSIDE] === '1' ? halfOpen : again);
