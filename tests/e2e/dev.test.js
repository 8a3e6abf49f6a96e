/* dev.test.js - patchbay dev: edit, save, and go on with open connections */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { describe, it } = require('node:test');
const WebSocket = require('ws');
const { withDev } = require('./lib/dev.js');
const { BUILD, pluginFile, runCommand } = require('./lib/host.js');
const { childrenOf, describe: look, isZombie } =
    require('./lib/processes.js');
const { until, within } = require('./lib/wait.js');

/* What a client hears, one at a time. */
function talk(url) {
    const socket = new WebSocket(url);
    const heard = [];

    socket.on('message', (data) => heard.push(String(data)));
    socket.next = async () => {
        await until(() => heard.length > 0, 'a message');
        return heard.shift();
    };
    socket.ask = (text) => {
        socket.send(text);
        return socket.next();
    };
    socket.on('error', () => {});
    return within(new Promise((done, fail) => {
        socket.on('open', () => done(socket));
        socket.on('error', fail);
    }), 'a connection');
}

const breakIt = (text) => text.replace('return bay_sendf', 'retur bay_sendf');
const mendIt = (text) => text.replace('retur bay_sendf', 'return bay_sendf');
const dots = (text) => text.replace('%u: %s', '%u. %s');

describe('patchbay dev', () => {
    it('puts an edited source below open connections', () =>
        withDev({}, async (dev) => {
            await dev.start(['dice/dice.c', '--set', 'greeting=hi']);
            const ann = await talk(dev.ws);
            const bob = await talk(dev.ws);

            assert.strictEqual(await ann.next(), 'hi from dice');
            assert.strictEqual(await ann.ask('a'), '1: a');
            const from = dev.edit(dots);

            await dev.says(/dev: reloaded, 2 connections kept/, from);
            assert.strictEqual(await ann.ask('b'), '2. b');
            assert.strictEqual(ann.readyState, WebSocket.OPEN);
            assert.strictEqual(bob.readyState, WebSocket.OPEN);
            assert.deepStrictEqual(await dev.stop(), { code: 0, signal: null });
        }));

    it('shows what the compiler says, and goes on with the old code', () =>
        withDev({}, async (dev) => {
            await dev.start(['dice/dice.c']);
            const ann = await talk(dev.ws);
            let from = dev.edit(breakIt);

            await dev.says(/dice\.c:\d+:\d+: error: .*retur[^]*does not compile/,
                from);
            await ann.next();
            assert.strictEqual(await ann.ask('a'), '1: a');
            from = dev.edit((text) => dots(mendIt(text)));
            await dev.says(/dev: reloaded, 1 connection kept/, from);
            assert.strictEqual(await ann.ask('b'), '2. b');
        }));

    it('has a port of its own, also when another begins with it', () =>
        withDev({}, (one) => withDev({}, async (other) => {
            const both = [one, other];

            await Promise.all(both.map((dev) => dev.start(['dice/dice.c'])));
            assert.notStrictEqual(one.url, other.url);
            for (const dev of both) {
                const client = await talk(dev.ws);

                await client.next();
                assert.strictEqual(await client.ask('a'), '1: a');
                await dev.stop();
            }
        })));

    it('waits for a source that does not compile at first', () =>
        withDev({}, async (dev) => {
            dev.edit(breakIt);
            await dev.start(['dice/dice.c']);
            assert.match(dev.said, /it does not compile/);
            await assert.rejects(talk(dev.ws), /404/);
            const from = dev.edit(mendIt);

            await dev.says(/dev: dice is there/, from);
            const ann = await talk(dev.ws);

            assert.strictEqual(await ann.next(), 'hello from dice');
        }));

    it('sees an edited header', () => withDev({}, async (dev) => {
        const header = path.join(dev.folder, 'dice/mark.h');

        fs.writeFileSync(header, '#define MARK ": "\n');
        dev.edit((text) => text.replace('#include <patchbay.h>',
            '#include <patchbay.h>\n#include "mark.h"')
            .replace('"%u: %s"', '"%u" MARK "%s"'));
        await dev.start(['dice/dice.c']);
        const ann = await talk(dev.ws);
        const from = dev.edit(() => '#define MARK "! "\n', header);

        await dev.says(/dev: reloaded, 1 connection kept/, from);
        await ann.next();
        assert.strictEqual(await ann.ask('a'), '1! a');
    }));

    it('sees a header that came later', () => withDev({}, async (dev) => {
        const header = path.join(dev.folder, 'dice/mark.h');

        await dev.start(['dice/dice.c']);
        const ann = await talk(dev.ws);

        fs.writeFileSync(header, '#define MARK "? "\n');
        let from = dev.edit((text) => text.replace('#include <patchbay.h>',
            '#include <patchbay.h>\n#include "mark.h"')
            .replace('"%u: %s"', '"%u" MARK "%s"'));

        await dev.says(/dev: reloaded, 1 connection kept/, from);
        from = dev.edit(() => '#define MARK "! "\n', header);
        await dev.says(/dev: reloaded, 1 connection kept/, from);
        await ann.next();
        assert.strictEqual(await ann.ask('a'), '1! a');
    }));

    it('tells the page of more errors than it takes, and goes on', () =>
        withDev({}, async (dev) => {
            await dev.start(['dice/dice.c']);
            const page = await talk(`${dev.url.replace('http', 'ws')}-/dev/feed`);
            const event = async (kind) => {
                for (;;) {
                    const found = JSON.parse(await page.next());

                    if (found.event === kind) {
                        return found;
                    }
                }
            };
            const wrong = Array.from({ length: 800 }, (_, i) =>
                `int wrong_${i}(void) { return nobody_${i} + "ü"; }\n`).join('');

            dev.edit((text) => text + wrong);
            const { text } = await event('errors');

            assert.match(text, /nobody_0/);
            assert.match(text, /\(\d+ bytes more are in the terminal\)$/);
            dev.edit((all) => dots(all.replace(wrong, '')));
            await event('reloaded');
        }));

    it('follows a link that is switched', () =>
        withDev({ source: false }, async (dev) => {
            for (const name of ['one', 'two']) {
                fs.writeFileSync(path.join(dev.folder, `${name}.c`),
                    `#include <patchbay.h>
                    static int say(bay_conn *conn, const bay_message *msg)
                    { (void)msg; return bay_sendf(conn, "${name}"); }
                    BAY_PLUGIN = { BAY_INIT, .name = "dice", .message = say };`);
                execFileSync('cc', ['-shared', '-fPIC', '-fvisibility=hidden',
                    '-I', path.join(BUILD, 'include'), `${name}.c`, '-o',
                    `${name}.so`], { cwd: dev.folder });
            }
            fs.symlinkSync('one.so', path.join(dev.folder, 'dice.so'));
            await dev.start(['dice.so']);
            const ann = await talk(dev.ws);

            assert.strictEqual(await ann.ask('a'), 'one');
            const from = dev.said.length;

            fs.symlinkSync('two.so', path.join(dev.folder, 'new'));
            fs.renameSync(path.join(dev.folder, 'new'),
                path.join(dev.folder, 'dice.so'));
            await dev.says(/dev: reloaded, 1 connection kept/, from);
            assert.strictEqual(await ann.ask('a'), 'two');
        }));

    it('keeps nobody waiting while it compiles', () =>
        withDev({}, async (dev) => {
            const slow = path.join(dev.folder, 'slow');
            const wait = path.join(dev.folder, 'wait');

            fs.writeFileSync(slow, `#!/bin/sh\nif [ -e '${wait}' ]; then\n` +
                `mv '${wait}' '${wait}ing'\nfi\n` +
                `while [ -e '${wait}ing' ]; do sleep 0.02; done\nexec cc "$@"\n`,
            { mode: 0o755 });
            await dev.start(['dice/dice.c', '--trace'], { env: { CC: slow } });
            const ann = await talk(dev.ws);

            await ann.next();
            fs.writeFileSync(wait, '');
            const from = dev.edit(dots);

            await until(() => fs.existsSync(`${wait}ing`), 'the compiler');
            /* More lines of the log than sockets hold. */
            for (let round = 0; round < 100; round++) {
                for (let i = 0; i < 100; i++) {
                    ann.send('x');
                }
                for (let i = 1; i <= 100; i++) {
                    assert.strictEqual(await ann.next(), `${round * 100 + i}: x`);
                }
            }
            fs.unlinkSync(`${wait}ing`);
            await dev.says(/dev: reloaded, 1 connection kept/, from);
            assert.strictEqual(await ann.ask('b'), '10001. b');
            await dev.stop();
        }));

    it('ends while it compiles, and leaves nothing', () =>
        withDev({}, async (dev) => {
            const slow = path.join(dev.folder, 'slow');
            const pid = path.join(dev.folder, 'pid');

            fs.writeFileSync(slow,
                `#!/bin/sh\nsleep 600 & echo $! > '${pid}.new'\n` +
                `mv '${pid}.new' '${pid}'\nwait\n`, { mode: 0o755 });
            await dev.start(['dice/dice.c'],
                { ready: /dev: (compiling)/, env: { CC: slow } });
            await until(() => fs.existsSync(pid), 'the compiler');
            assert.deepStrictEqual(await dev.stop('SIGTERM'),
                { code: 0, signal: null });
            const compiler = Number(fs.readFileSync(pid, 'utf8'));

            await until(() => !fs.existsSync(`/proc/${compiler}`) ||
                isZombie(compiler), 'the end of the compiler');
        }));

    it('takes a .so that is replaced, and none that is half there', () =>
        withDev({ source: false }, async (dev) => {
            const file = path.join(dev.folder, 'dice.so');
            const build = (text) => {
                fs.writeFileSync(path.join(dev.folder, 'dice.c'), text);
                execFileSync('cc', ['-shared', '-fPIC', '-fvisibility=hidden',
                    '-I', path.join(BUILD, 'include'), 'dice.c', '-o', 'new.so'],
                { cwd: dev.folder });
                return fs.readFileSync(path.join(dev.folder, 'new.so'));
            };
            const source = (word) => `#include <patchbay.h>
                static int say(bay_conn *conn, const bay_message *msg)
                { (void)msg; return bay_sendf(conn, "${word}"); }
                BAY_PLUGIN = { BAY_INIT, .name = "dice", .message = say };`;

            fs.writeFileSync(file, build(source('one')));
            await dev.start(['dice.so', '--path', '/other/dice']);
            const ann = await talk(`${dev.url.replace('http', 'ws')}other/dice`);

            assert.strictEqual(await ann.ask('a'), 'one');
            const two = build(source('two'));
            let from = dev.said.length;

            fs.writeFileSync(file, two.subarray(0, two.length / 2));
            await dev.says(/dev: not reloaded: dice\.so /, from);
            assert.strictEqual(await ann.ask('a'), 'one');
            from = dev.said.length;
            fs.renameSync(path.join(dev.folder, 'new.so'), file);
            await dev.says(/dev: reloaded, 1 connection kept/, from);
            assert.strictEqual(await ann.ask('a'), 'two');
        }));

    it('names the hook that crashed, and goes on', () =>
        withDev({}, async (dev) => {
            dev.edit((text) => text.replace('    if (msg->kind',
                '    if (*msg->data == \'!\') { __builtin_trap(); }\n' +
                '    if (msg->kind'));
            await dev.start(['dice/dice.c', '--trace']);
            const ann = await talk(dev.ws);

            await ann.next();
            await dev.says(/open took \d+ us/);
            ann.send('!');
            await dev.says(/the message hook of plugin dice/);
            await dev.says(/worker 0 is back/);
            await talk(dev.ws);
        }));

    it('refuses what cannot be', () => withDev({}, async (dev) => {
        const run = (...args) => runCommand(['dev', ...args],
            { cwd: dev.folder, env: { TMPDIR: dev.temporary } });
        const refused = async (code, pattern, ...args) => {
            const result = await run(...args);

            assert.strictEqual(result.code, code, result.stderr);
            assert.match(result.stderr, pattern);
        };
        const taken = net.createServer().listen(0, '127.0.0.1');

        await new Promise((done) => taken.once('listening', done));
        await refused(3, /no such option of plugin dice, did you mean "greeting"/,
            'dice/dice.c', '--set', 'greetin=x');
        await refused(3, /max_message: "x" is not/, 'dice/dice.c', '--set',
            'max_message=x');
        await refused(2, /--set takes KEY=VALUE/, 'dice/dice.c', '--set', 'x');
        await refused(1, /cannot read none\.c/, 'none.c');
        await refused(2, /dev takes one NAME\.so/, 'dice/README.md');
        fs.writeFileSync(path.join(dev.folder, 'NULL.c'), '');
        await refused(2, /lower case/, 'NULL.c');
        await refused(1, /cannot listen at port \d+: Address already/,
            'dice/dice.c', '--port', String(taken.address().port));
        taken.close();
        assert.deepStrictEqual(fs.readdirSync(dev.temporary), []);
    }));

    it('leaves no process behind when it is killed', () =>
        withDev({ source: false }, async (dev) => {
            fs.copyFileSync(pluginFile('echo'),
                path.join(dev.folder, 'echo.so'));
            await dev.start(['echo.so']);
            const [host] = childrenOf(dev.child.pid);

            dev.child.kill('SIGKILL');
            await dev.ended;
            await until(() => {
                const now = look(host.pid);

                return now === null || isZombie(now);
            }, 'the end of the host');
        }));
});
