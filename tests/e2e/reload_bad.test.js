/* reload_bad.test.js - a reload that cannot be: everything goes on as it was */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { pluginFile } = require('./lib/host.js');
const processes = require('./lib/processes.js');
const { withHost } = require('./lib/suite.js');
const { Talker } = require('./lib/talker.js');
const { until } = require('./lib/wait.js');

function setup(workers = 2, more = {}) {
    return {
        server: { workers },
        routes: { one: { path: '/one', plugin: 'phase' } },
        expected: [/reload: refused/],
        ...more,
    };
}

/*
 * The host refuses with exit code 3 and a reason like pattern, in the log as
 * well; a client that speaks all the time notices nothing.
 */
async function expectRefusal(host, pattern) {
    const talker = new Talker(await host.connect('/one'));
    const images = () => fs.readdirSync(path.join(host.runDir, 'images'))
        .sort().join();
    const before = images();
    const from = host.mark();

    host.expected.push(pattern);
    await talker.more(10);
    const { stderr, stdout } = await host.reloadFails(3);

    assert.match(stderr, pattern);
    assert.match(stderr, /refused, everything goes on as it was/);
    assert.strictEqual(stdout, '');
    await host.waitLog(pattern, { from });
    await talker.more(10);
    await talker.stop();
    assert.deepStrictEqual(talker.versions, [1]);
    await until(() => images() === before, 'the end of what was refused');
    const status = await host.json('status');

    assert.strictEqual(status.state, 'running');
    assert.ok(status.workers.every(({ restarts }) => restarts === 0));
    await talker.client.close(1000);
}

/* And the next one, of what is good, goes through. */
async function expectRecovery(host) {
    const client = await host.connect('/one');

    host.replacePlugin('phase', 'phase_2');
    await host.reload();
    assert.strictEqual(await client.ask('count'), '2 1');
}

function bytes(name = 'phase_2') {
    return fs.readFileSync(pluginFile(name));
}

function patched(offset, value) {
    const data = bytes();

    data[offset] = value;
    return data;
}

describe('a file in the place of a plugin', () => {
    const files = [
        ['half of it', bytes().subarray(0, 5000), /phase\.so .*/],
        ['nothing', Buffer.alloc(0), /phase\.so .*/],
        ['a text', Buffer.from('int main;\n'.repeat(99)),
            /phase\.so .*not .*(ELF|shared object)/i],
        ['one of another machine', patched(18, 183), /phase\.so .*machine/i],
        ['one of another class', patched(4, 1), /phase\.so .*/],
        ['a plugin of a newer ABI', 'newabi', /phase\.so .*/],
        ['one without a hook', 'nonsense_no_hooks', /phase\.so .*/],
        ['one that lacks its descriptor', 'nosymbol', /descriptor/],
        ['one that lacks a function', 'undefsym', /undefined symbol/],
        ['options with nonsense', 'badoptions', /history/],
        ['a constructor that crashes', 'crash_ctor', /signal 11|crash/i],
        ['a constructor that exits', 'exit_ctor', /phase\.so .*exit/],
        ['another plugin', 'echo', /calls itself "echo"/],
    ];

    it('that is bad changes nothing, and is named',
        () => withHost(setup(2, { expected: [/reload: refused/,
            /^exit_ctor: no licence found$/] }), async (host) => {
            for (const [what, by, pattern] of files) {
                host.replacePlugin('phase', by);
                await expectRefusal(host, pattern).catch((error) => {
                    error.message = `${what}: ${error.message}`;
                    throw error;
                });
            }
            await expectRecovery(host);
        }));

    it('that hangs is given up', () => withHost(setup(), async (host) => {
        host.replacePlugin('phase', 'hang_ctor');
        await expectRefusal(host, /phase\.so .*(hang|within|time)/i);
        await expectRecovery(host);
        /* What its constructor started is dead, and init's to bury. */
        await until(() => !processes.inSession(host.pid)
            .some(processes.isZombie), 'the end of a zombie');
    }));

    it('that is gone changes nothing', () => withHost(setup(),
        async (host) => {
            fs.rmSync(path.join(host.pluginDir, 'phase.so'));
            await expectRefusal(host, /phase\.so cannot be read/);
            await expectRecovery(host);
        }));
});

describe('a file', () => {
    it('that is wrong changes nothing', () => withHost(setup(),
        async (host) => {
            const good = fs.readFileSync(host.ini, 'utf8');
            const bad = [
                ['[server]\nlisen = x', /lisen: unknown key/],
                ['[http]\nroot = /nonexistent\n[server]', /nonexistent/],
                ['[nonsense]\n[server]', /nonsense.*unknown section/],
            ];

            for (const [text, pattern] of bad) {
                fs.writeFileSync(host.ini, good.replace('[server]', text));
                await expectRefusal(host, pattern);
            }
            fs.writeFileSync(host.ini,
                `${good}phase.greeting = x\nphase.nonsense = 1\n`);
            await expectRefusal(host, /phase\.nonsense/);
            fs.writeFileSync(host.ini, `${good}phase.fail_in = 1000\n`);
            await expectRefusal(host, /fail_in.*1000/);
            fs.writeFileSync(host.ini, good);
            await expectRecovery(host);
        }));

    it('with another run_dir is refused', () => withHost(setup(),
        async (host) => {
            const good = fs.readFileSync(host.ini, 'utf8');
            const from = host.mark();

            host.expected.push(/run_dir/);
            fs.writeFileSync(host.ini,
                good.replace('run_dir = run', 'run_dir = else'));
            /* The command would look for the host there. */
            host.signal('SIGHUP');
            await host.waitLog(/error master: .*run_dir: cannot change/,
                { from });
            fs.writeFileSync(host.ini, good);
            await expectRecovery(host);
        }));

    it('with a log that cannot be opened is refused', () => withHost(setup(),
        async (host) => {
            host.setup.log = { file: '/nonexistent/log' };
            host.writeIni();
            await expectRefusal(host, /\[log\] file: .*\/nonexistent\/log/);
        }));
});

describe('a worker', () => {
    it('whose start hook fails keeps all from it', () => withHost(setup(2),
        async (host) => {
            const pids = host.workers();

            host.setup.routes.two = { path: '/two', plugin: 'phase',
                'phase.fail_in': 1 };
            host.writeIni();
            await expectRefusal(host,
                /\[route\.two\] plugin phase: its start hook failed/);
            assert.strictEqual((await host.refusal('/two')).status, 404);
            delete host.setup.routes.two['phase.fail_in'];
            host.writeIni();
            await host.reload();
            await host.connect('/two');
            assert.deepStrictEqual(host.workers(), pids);
        }));

    it('with work that does not end is busy', () => withHost(setup(2, {
        expected: [/reload: refused/, /does not end: killed/] }),
    async (host) => {
        const client = await host.connect('/one');

        client.send('defer 12000');
        assert.strictEqual(await client.ask('count'), '1 1');
        host.replacePlugin('phase', 'phase_2');
        const began = Date.now();

        await expectRefusal(host, /\[route\.one\] plugin phase is busy/);
        assert.ok(Date.now() - began >= 4900);
        host.replacePlugin('phase', 'phase');
        assert.strictEqual((await host.reload()).kept, 1);
        await host.stop('SIGINT');
    }));

    it('that dies while it gets ready keeps all from it',
        () => withHost(setup(2, { expected: [/killed by signal/, /reload:/] }),
            async (host) => {
                const client = await host.connect('/one');

                client.send('defer 4000');
                assert.strictEqual(await client.ask('count'), '1 1');
                host.replacePlugin('phase', 'phase_2');
                const from = host.mark();
                const refused = host.reloadFails(1);

                /* Not before it gets ready. */
                await until(() => fs.existsSync(
                    path.join(host.runDir, 'reload.ini')), 'the order');
                host.workers().forEach((pid) => process.kill(pid, 'SIGKILL'));
                assert.match((await refused).stderr,
                    /worker \d died while it got ready/);
                await host.waitLog(/worker 0 is back/, { from });
                await host.waitLog(/worker 1 is back/, { from });
                const again = await host.connect('/one');

                assert.strictEqual(await again.ask('count'), '1 1');
                await host.reload();
                assert.strictEqual(await again.ask('count'), '2 2');
            }));
});
