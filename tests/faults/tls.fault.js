/* tls.fault.js - a certificate that cannot be read */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { FILES, TLS, WSS } = require('../e2e/lib/tls.js');
const { withHost } = require('../e2e/lib/suite.js');
const { ROUTES, fault, lapText } = require('./lib/fault.js');

/* name: what becomes of the file. */
const HARM = {
    'removed': (file) => fs.unlinkSync(file),
    'a folder': (file) => {
        fs.unlinkSync(file);
        fs.mkdirSync(file);
    },
    'empty': (file) => fs.writeFileSync(file, ''),
    'half of it': (file) => fs.truncateSync(file, fs.statSync(file).size >> 1),
    'garbage': (file) => fs.writeFileSync(file, Buffer.alloc(2000, 200)),
    'a pipe': (file) => {
        fs.unlinkSync(file);
        require('node:child_process').execFileSync('mkfifo', [file]);
    },
    'one that nobody may read': (file) => {
        fs.chmodSync(file, 0);
    },
};

/* The files as they were. */
function mend(host) {
    for (const [name, text] of Object.entries(FILES)) {
        fs.rmSync(host.file(name), { recursive: true, force: true });
        host.writeFile(name, text);
    }
}

/* Root may read everything. */
const ASIDE = 'one that nobody may read';
const NOT_ROOT = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups',
    '--pdeathsig', 'KILL'];

fault('an unreadable certificate, at reload', {
    tls: TLS, files: FILES, expected: [/\[tls\]|reload: refused/],
}, async ({ host, row, load }) => {
    const crowd = await load(20, WSS);
    const pids = host.workers();
    let reloads = 0;

    await crowd.flow(300);
    crowd.lap();
    for (const [how, harm] of Object.entries(HARM)) {
        for (const name of how === ASIDE ? [] : Object.keys(FILES)) {
            harm(host.file(name));
            const { stderr } = await host.reloadFails();

            assert.match(stderr, /\[tls\] (cert|key): /, `${name}, ${how}`);
            reloads++;
            await crowd.flow(20);
            mend(host);
        }
    }
    /* It goes on with what it has, for new clients, too. */
    assert.strictEqual(
        await (await host.connect('/every', WSS)).ask('echo hello'), 'hello');
    await host.reload();
    await crowd.flow(100);
    assert.deepStrictEqual(crowd.broken, []);
    assert.deepStrictEqual(host.workers(), pids);
    row.done = `certificate or key ${Object.keys(HARM).filter((how) =>
        how !== ASIDE).join(', ')}; over wss`;
    row.seen = `each of ${reloads} reloads refused with [tls] and the file; ` +
        'the old pair goes on; a good one is taken up; echoes ' +
        lapText(crowd.lap());
});

fault('an unreadable certificate, at the start', { start: false },
    async ({ host, row }) => {
        let starts = 0;

        host.checked = true;
        for (const [how, harm] of Object.entries(HARM)) {
            for (const name of Object.keys(FILES)) {
                await withHost({
                    start: false, tls: TLS, files: FILES, routes: ROUTES,
                    open: true, expected: [/\[tls\] (cert|key): /],
                    ...how === ASIDE && process.getuid() === 0 &&
                        { prefix: NOT_ROOT },
                }, async (other) => {
                    if (how === ASIDE && process.getuid() === 0) {
                        fs.chownSync(other.dir, 65534, 65534);
                    }
                    harm(other.file(name));
                    const { code } = await other.startFails();

                    assert.strictEqual(code, 3, `${name}, ${how}`);
                    assert.ok(other.logged(new RegExp(
                        `\\[tls\\] (cert|key): .*${name}`)).length > 0,
                    other.lines.items.map(({ text }) => text).join('\n'));
                    starts++;
                });
            }
        }
        row.done = `certificate or key ${Object.keys(HARM).join(', ')}`;
        row.seen = `each of ${starts} starts refused with exit code 3 and a ` +
            'line with [tls], the file and the reason';
    });
