/*
 * smoke_reload.js - is the reload bench itself right? Nothing is timed here.
 *
 *     node smoke_reload.js BUILD
 *
 * A short run of it; and its generator against servers with one fault each,
 * which it has to find.
 */
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { WebSocketServer } = require('ws');
const { steady } = require('./lib/steady.js');
const { versionOf } = require('./lib/swaps.js');

const BUILD = process.argv[2];
const AT = 5; /* the message that meets with the fault */

/* What swap.so answers, but for one field that is changed. */
function answer(data, count, version, change = {}) {
    const fields = [data.readBigUInt64LE(0), data.readBigUInt64LE(8),
        BigInt(count), BigInt(version), BigInt(count), 0n];
    const bytes = Buffer.alloc(48);

    fields.forEach((value, i) =>
        bytes.writeBigUInt64LE(change[i] ?? value, i * 8));
    return bytes;
}

/* By what it is counted as: what the server sends for message n. */
const FAULTS = {
    lost: (n, whole) => n === AT ? [] : [whole()],
    doubled: (n, whole) => n === AT ? [whole(), whole()] : [whole()],
    reordered: (n, whole, state) => {
        state.kept ??= [];
        state.kept.push(whole());
        return n === AT ? [] : n === AT + 1 ? state.kept.splice(0).reverse()
            : state.kept.splice(0);
    },
    wrong_state: (n, whole) => [n === AT ? whole({ 2: 1n }) : whole()],
    old_code: (n, whole) => [n === AT ? whole({ 3: 0n }) : whole()],
    garbled: (n, whole) => [n === AT ? whole({ 1: 77n }) : whole()],
    drops: (n, whole, state, socket) => {
        if (n === AT) {
            socket.close(1012);
        }
        return n >= AT ? [] : [whole()];
    },
};

function listen(server) {
    return new Promise((done) => {
        server.listen(0, '127.0.0.1', () => done(server.address().port));
    });
}

/* Runs the generator until each connection has asked for more than AT; the
 * answers come from version 7, of which it is told. */
async function against(fault) {
    const server = http.createServer();
    const sockets = new WebSocketServer({ server, perMessageDeflate: false });
    const open = new Set();
    let most = 0;
    let enough;
    const asked = new Promise((done) => {
        enough = done;
    });

    sockets.on('connection', (socket) => {
        const state = {};
        let n = 0;

        open.add(socket);
        socket.on('error', () => {});
        socket.on('message', (data) => {
            n++;
            for (const each of fault(n, (change) =>
                answer(data, n, 7, change), state, socket)) {
                socket.send(each);
            }
            most = Math.max(most, n);
            if (most > AT + 3) {
                enough();
            }
        });
        socket.on('close', () => open.delete(socket) && n >= AT && enough());
    });
    const port = await listen(server);
    const generator = await steady(BUILD, ['-p', port, '-c', 2, '-r', 200]);

    await generator.phase(7);
    await asked;
    const whole = await generator.end();

    open.forEach((socket) => socket.terminate());
    server.closeAllConnections();
    server.close();
    return whole;
}

async function findsFaults() {
    const good = await against((n, whole) => [whole()]);

    assert.strictEqual(good.wrong, false, good.said);
    assert.ok(good.sent > 0 && good.sent === good.count);
    assert.ok(good.p50_us > 0 && good.max_us >= good.p99_us * 0.98);
    await Promise.all(Object.entries(FAULTS).map(async ([name, fault]) => {
        const whole = await against(fault);

        assert.strictEqual(whole.wrong, true, `${name} is not found`);
        assert.ok(whole[name] > 0, `${name}: ${JSON.stringify(whole)}`);
        for (const other of Object.keys(FAULTS)) {
            /* What a connection owes when it is dropped is lost; so is what a
             * garbled answer was for. */
            assert.ok(other === name || whole[other] === 0 ||
                (other === 'lost' && ['drops', 'garbled'].includes(name)),
            `${name} is taken for ${other}: ${JSON.stringify(whole)}`);
        }
    }));
    return Object.keys(FAULTS).length;
}

function versionsDiffer() {
    const bytes = Buffer.from('xx bench-version:01234567 yy');

    assert.strictEqual(versionOf(bytes, 0x41).toString(),
        'xx bench-version:A\0\0\0\0\0\0\0 yy');
    assert.throws(() => versionOf(Buffer.from('no mark'), 1));
    assert.throws(() => versionOf(bytes, 1, true));
    assert.deepStrictEqual(versionOf(Buffer.concat(
        [bytes, Buffer.from([1, 0, 0xed, 0x5e])]), 9, true).subarray(-4),
    Buffer.from([10, 0, 0, 0]));
}

/* The whole, small. */
function runs(...more) {
    const { status, stdout, stderr } = spawnSync(process.execPath,
        [path.join(__dirname, 'reload'), '--no-build', '--build', BUILD,
            '--connections', '50', '--rate', '1000', '--swaps', '10',
            '--quiet', '0.2', '--gap', '10', ...more], { encoding: 'utf8' });

    assert.strictEqual(status, 0, stdout + stderr);
    for (const what of ['connections dropped', 'messages lost',
        'answered twice', 'out of order']) {
        assert.match(stdout, new RegExp(`^\\| ${what} \\| 0 \\|$`, 'm'));
    }
    assert.match(stdout, /^\| a reload, from .* \| \d+\.\d+ ms \| /m);
}

async function main() {
    versionsDiffer();
    console.log(`${await findsFaults()} faults are found`);
    runs();
    runs('--migrate');
    console.log('10 swaps and 10 migrations are right');
}

main().catch((error) => {
    console.error(error.stack);
    process.exit(1);
});
