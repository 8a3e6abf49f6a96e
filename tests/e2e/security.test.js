/* security.test.js - whose files are run, and who may give commands */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync, spawnSync } = require('node:child_process');
const { describe, it } = require('node:test');
const { PATCHBAY, pluginFile } = require('./lib/host.js');
const { withHost } = require('./lib/suite.js');

const ROUTES = { echo: { path: '/echo', plugin: 'echo' } };
const ROOT = { skip: process.getuid() !== 0 && 'takes root' };

const NOBODY = Number(execFileSync('id', ['-u', 'nobody'],
    { encoding: 'utf8' }));

/* A plugin that is a file of its own. */
function copyPlugin(host) {
    const file = path.join(host.pluginDir, 'echo.so');

    fs.rmSync(file, { force: true });
    fs.copyFileSync(pluginFile('echo'), file);
    fs.chmodSync(file, 0o644);
    return file;
}

/* What is wrong with it is said by check and by run, which does not start. */
async function assertUnsafe(host, pattern) {
    const { code, stderr } = await host.command('check');

    assert.match(stderr, pattern);
    assert.strictEqual(stderr.trim().split('\n').length, 1, stderr);
    assert.strictEqual(code, 3);
    assert.deepStrictEqual(await host.startFails(), { code: 3, signal: null });
    assert.match(host.lines.items[0].text, pattern);
}

async function assertGood(host) {
    assert.strictEqual((await host.command('check')).code, 0);
}

describe('a plugin that everybody may change', () => {
    it('is not run', () => withHost({ start: false, routes: ROUTES },
        async (host) => {
            const file = copyPlugin(host);

            await assertGood(host);
            fs.chmodSync(file, 0o666);
            await assertUnsafe(host, new RegExp('^.*patchbay\\.ini:\\d+: ' +
                '\\[route\\.echo\\] plugin: .*echo\\.so is not safe: ' +
                'everybody may write to .*echo\\.so \\(mode 0666\\); ' +
                'chmod o-w .*echo\\.so$', 'm'));
            fs.chmodSync(file, 0o664);
            await assertGood(host);
        }));

    it('may be one because of its folder, or one above it', () =>
        withHost({ start: false, routes: ROUTES }, async (host) => {
            copyPlugin(host);
            fs.chmodSync(host.pluginDir, 0o777);
            await assertUnsafe(host,
                /everybody may write to the folder .*plugins \(mode 0777\)/);
            fs.chmodSync(host.pluginDir, 0o1777);
            await assertGood(host);
            fs.mkdirSync(host.file('a/b'), { recursive: true });
            fs.renameSync(host.pluginDir, host.file('a/b/plugins'));
            fs.symlinkSync('a/b/plugins', host.pluginDir);
            await assertGood(host);
            fs.chmodSync(host.file('a'), 0o757);
            await assertUnsafe(host,
                /everybody may write to the folder .*a \(mode 0757\)/);
        }));

    it('may be one because it is a link to one', () =>
        withHost({ start: false, routes: ROUTES }, async (host) => {
            const file = copyPlugin(host);

            fs.mkdirSync(host.file('open'));
            fs.renameSync(file, host.file('open/real.so'));
            fs.symlinkSync('../open/real.so', file);
            await assertGood(host);
            fs.chmodSync(host.file('open'), 0o777);
            await assertUnsafe(host,
                /everybody may write to the folder .*open \(mode 0777\)/);
        }));

    it('is not taken up by a reload', () => withHost({
        routes: ROUTES, expected: [/is not safe/, /reload: refused/],
    }, async (host) => {
        const client = await host.connect('/echo');

        fs.chmodSync(copyPlugin(host), 0o602);
        assert.match((await host.reloadFails(3)).stderr,
            /echo\.so is not safe: everybody may write/);
        assert.strictEqual(await client.ask('hello'), 'hello');
        fs.chmodSync(host.file('plugins/echo.so'), 0o600);
        await host.reload();
    }));
});

describe('a plugin of somebody else', ROOT, () => {
    it('is not run', () => withHost({ start: false, routes: ROUTES },
        async (host) => {
            const file = copyPlugin(host);

            fs.chownSync(file, NOBODY, 0);
            await assertUnsafe(host, new RegExp('echo\\.so belongs to user ' +
                `${NOBODY}, who is neither root nor the one who runs`));
            fs.chownSync(file, 0, 0);
            fs.chownSync(host.pluginDir, NOBODY, 0);
            await assertUnsafe(host, /the folder .*plugins belongs to user /);
        }));

    it('is, if he is the user of the workers', () => withHost({
        start: false, open: true, routes: ROUTES,
        server: { user: 'nobody' },
    }, async (host) => {
        fs.chownSync(copyPlugin(host), NOBODY, 0);
        await host.start();
        await host.connect('/echo');
    }));
});

describe('an INI file that everybody may change', () => {
    it('is not obeyed', () => withHost({ start: false, routes: ROUTES },
        async (host) => {
            fs.chmodSync(host.ini, 0o646);
            await assertUnsafe(host, new RegExp('patchbay\\.ini is not ' +
                'safe: everybody may write to .*patchbay\\.ini \\(mode 0646'));
        }));

    it('is not obeyed by a reload', () => withHost({
        routes: ROUTES, expected: [/is not safe/, /reload: refused/],
    }, async (host) => {
        fs.chmodSync(host.ini, 0o666);
        assert.match((await host.reloadFails(3)).stderr, /is not safe/);
        fs.chmodSync(host.ini, 0o644);
        await host.reload();
    }));
});

/* A command of another user's, who may not be able to see the build folder. */
function commandAs(host, user, ...args) {
    const program = host.file('patchbay');

    fs.copyFileSync(PATCHBAY, program);
    const { status, stdout, stderr } = spawnSync('setpriv',
        [`--reuid=${user}`, ...args, '--', program, 'status', '-c', host.ini],
        { encoding: 'utf8', cwd: '/', timeout: 20000 });

    return { status, stdout, stderr };
}

describe('a command of another user', ROOT, () => {
    const OPEN = { open: true, routes: ROUTES };

    it('does not get through', () => withHost(OPEN, async (host) => {
        const { status, stderr } =
            commandAs(host, NOBODY, '--regid=4711', '--clear-groups');

        assert.strictEqual(status, 1);
        assert.match(stderr, /cannot connect to .*: Permission denied/);
    }));

    it('is refused if the socket was opened to all', () => withHost({
        ...OPEN, expected: [/a command was refused/],
    }, async (host) => {
        fs.chmodSync(path.join(host.runDir, 'control.sock'), 0o666);
        const { status, stderr, stdout } =
            commandAs(host, NOBODY, '--regid=4711', '--clear-groups');

        assert.strictEqual(status, 1);
        assert.match(stderr, /only root, the user that runs this host, and /);
        assert.strictEqual(stdout, '');
        const { text } = await host.waitLog(/a command was refused/);

        assert.match(text, new RegExp('warn  master: a command was refused: ' +
            `process \\d+ is user ${NOBODY}, group 4711, who may not ask`));
        await host.json('status');
    }));

    it('is obeyed if he is of the group that may', () => withHost({
        ...OPEN, server: { control_group: 'daemon' },
    }, async (host) => {
        const gid = execFileSync('getent', ['group', 'daemon'],
            { encoding: 'utf8' }).split(':')[2];
        const socket = fs.statSync(path.join(host.runDir, 'control.sock'));

        assert.strictEqual(socket.mode & 0o777, 0o660);
        assert.strictEqual(socket.gid, Number(gid));
        assert.strictEqual(commandAs(host, NOBODY, '--regid=4711',
            `--groups=${gid}`).status, 0);
        assert.strictEqual(commandAs(host, NOBODY, `--regid=${gid}`,
            '--clear-groups').status, 0);
        assert.strictEqual(commandAs(host, NOBODY, '--regid=4711',
            '--clear-groups').status, 1);
        /* A reload takes it back. */
        host.setup = OPEN;
        host.writeIni();
        await host.reload();
        assert.strictEqual(commandAs(host, NOBODY, `--regid=${gid}`,
            '--clear-groups').status, 1);
    }));
});
