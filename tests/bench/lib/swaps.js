/* swaps.js - a host whose plugin is replaced while it serves */
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { start } = require('./servers.js');

const MARK = 'bench-version:';
const NEEDS = ['patchbay', 'tests/bench/swap.so'];

/* The state_version of swap.so, as it stands in the file. */
const STATE = Buffer.from([0x01, 0x00, 0xed, 0x5e]);

/* Where something stands, once. */
function place(bytes, what) {
    const at = bytes.indexOf(what);

    if (at < 0 || bytes.indexOf(what, at + 1) >= 0) {
        throw new Error(`swap.so does not hold one "${what}"`);
    }
    return at;
}

/* The bytes of swap.so, as another version of it; migrate: whose blocks are not
 * those of any other. */
function versionOf(bytes, version, migrate = false) {
    const copy = Buffer.from(bytes);

    copy.writeBigUInt64LE(BigInt(version), place(copy, MARK) + MARK.length);
    if (migrate) {
        copy.writeUInt32LE(version + 1, place(copy, STATE));
    }
    return copy;
}

function iniText(dir, port, { connections, workers }) {
    return `; made by tests/bench/reload
[server]
listen     = 127.0.0.1:${port}
workers    = ${workers}
plugin_dir = ${dir}/plugins
run_dir    = ${dir}/run

[log]
level = warn

[route.swap]
path        = /swap
plugin      = swap
connections = ${connections + 100}
`;
}

/* One request on the control socket: its answer. */
function control(file, request) {
    return new Promise((done, fail) => {
        const socket = net.connect(file);
        let text = '';

        socket.setEncoding('utf8').on('data', (data) => {
            text += data;
            if (text.endsWith('\n')) {
                socket.destroy();
                done(JSON.parse(text));
            }
        });
        socket.on('error', fail);
        socket.on('close', () => fail(new Error('no answer of the host')));
        socket.write(`${JSON.stringify(request)}\n`);
    });
}

/*
 * Resolves to { port, pid, stop, put, reload }: put(version) puts a version in
 * the place of the plugin's file, reload() has the host take it up and
 * resolves to the control socket's answer.
 */
async function startHost(build, setup, cpu) {
    const bytes = fs.readFileSync(path.join(build, 'tests/bench/swap.so'));
    let dir;
    const put = (version) => {
        const file = path.join(dir, 'plugins/swap.so');

        /* Never a file that is half there. */
        fs.writeFileSync(`${file}.new`, versionOf(bytes, version, setup.migrate));
        fs.renameSync(`${file}.new`, file);
    };
    const running = await start({
        name: 'patchbay', title: 'patchbay', forks: true, needs: NEEDS,
        make: (tree, port) => {
            dir = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-reload-'));
            fs.mkdirSync(path.join(dir, 'plugins'));
            fs.mkdirSync(path.join(dir, 'run'));
            put(0);
            const ini = path.join(dir, 'patchbay.ini');

            fs.writeFileSync(ini, iniText(dir, port, setup));
            return { dir,
                command: [path.join(tree, 'patchbay'), 'run', '-c', ini] };
        },
    }, build, cpu);

    return { ...running, put,
        reload: () => control(path.join(dir, 'run/control.sock'),
            { do: 'reload' }) };
}

module.exports = { NEEDS, startHost, versionOf };
