/* plugincmd.test.js - patchbay plugin list, show and check */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { pluginFile, runCommand } = require('./lib/host.js');
const { withHost } = require('./lib/suite.js');
const { SLOWNESS } = require('./lib/wait.js');

/* A constructor that hangs is given up on after five seconds. */
const PATIENCE = { ms: 20000 * SLOWNESS };

const NONSENSE = {
    no_hooks: /^does nothing: it has none of the hooks message, open, /,
    wild: /^crashed while its descriptor was read \(SIG\w+\): a pointer in /,
    twice: /^declares option sides twice$/,
    bad_name: /^has the option name "Dice\.Sides", which is not /,
    bad_type: /^has for option colour the unknown type 17$/,
    bad_range: /^has for option sides a min, 100, above its max, 2/,
    bad_fallback: /^has for option sides a wrong fallback: "six" is not a num/,
    no_end: /^has no end of its options within 256: end the table /,
};

/* Of each plugin that is no good: why not. */
const REFUSED = {
    badoptions: /^has for option history a wrong fallback: 100 is out of ran/,
    crash_ctor: /^crashed while loading \(SIG\w+\); to see where: gdb /,
    exit_ctor: /^called exit\(3\) while loading: a constructor /,
    hang_ctor: /^did not finish loading within 5000 ms: a constructor hangs/,
    newabi: /^was built for ABI 1\.\d+, this host has 1\.\d+: install a newer /,
    nosymbol: /^has no bay_plugin_descriptor symbol: /,
    oldmajor: /^was built for ABI 0\.7, this host has 1\.\d+: rebuild /,
    undefsym: /^cannot be loaded: undefined symbol: undefsym_missing_function/,
    wrongname: /^calls itself "another", but its file is that of "wrongname"/,
    ...Object.fromEntries(Object.entries(NONSENSE)
        .map(([kind, why]) => [`nonsense_${kind}`, why])),
};

/* Files made here, of which no plugin comes: what they hold, and why not. */
const MADE = {
    text: [() => Buffer.from('this is no plugin\n'),
        /^is not a shared object: it starts with "this is no plugi"$/],
    empty: [() => Buffer.alloc(0), /^is empty$/],
    truncated: [() => echo((bytes) => bytes.subarray(0, bytes.length / 2)),
        /^is truncated: /],
    head: [() => echo((bytes) => bytes.subarray(0, 100)), /^is truncated: /],
    foreign: [() => echo((bytes) => bytes.writeUInt16LE(0x1234, 18)),
        /^is for another machine: ELF machine 4660, this host is /],
    narrow: [() => echo((bytes) => {
        bytes[4] = 1;
    }), /^is for another machine: 32-bit and /],
};

const echo = (change) => {
    const bytes = fs.readFileSync(pluginFile('echo'));
    const changed = change(bytes);

    return Buffer.isBuffer(changed) ? changed : bytes;
};

/* A folder for the test; its files by name, of content or of a plugin. */
async function withFolder(files, run) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-plugincmd-'));

    try {
        for (const [name, content] of Object.entries(files)) {
            const file = path.join(dir, name);

            if (content === null) {
                fs.copyFileSync(pluginFile(name.replace(/\.so$/, '')), file);
            } else {
                fs.writeFileSync(file, content);
            }
        }
        await run(dir);
    } finally {
        fs.rmSync(dir, { recursive: true, force: true });
    }
}

const plugins = (...names) =>
    Object.fromEntries(names.map((name) => [`${name}.so`, null]));

/* With the file of a host that need not run. */
const plugin = (host, ...args) =>
    runCommand(['plugin', ...args, '-c', host.ini], PATIENCE);

async function check(file) {
    const text = await runCommand(['plugin', 'check', file], PATIENCE);
    const json = await runCommand(['plugin', 'check', file, '--json'],
        PATIENCE);

    assert.strictEqual(text.code, json.code);
    return { ...text, about: JSON.parse(json.stdout) };
}

describe('plugin list', () => {
    it('shows all in the folder, and why one is refused', () => withFolder({
        ...plugins('chat', 'everything', ...Object.keys(REFUSED)),
        ...Object.fromEntries(Object.entries(MADE)
            .map(([name, [content]]) => [`${name}.so`, content()])),
        'README.txt': 'no plugin, and not taken for one\n',
        '.hidden.so': '',
    }, async (dir) => {
        const { code, stdout } = await runCommand(
            ['plugin', 'list', '--dir', dir, '--json'], PATIENCE);
        const listed = JSON.parse(stdout);
        const wrong = { ...REFUSED, ...Object.fromEntries(
            Object.entries(MADE).map(([name, [, why]]) => [name, why])) };

        assert.strictEqual(code, 0);
        assert.strictEqual(listed.dir, dir);
        assert.deepStrictEqual(listed.plugins.map(({ name }) => name),
            ['chat', 'everything', ...Object.keys(wrong)].sort());
        for (const { name, file, ok, why, version, abi } of listed.plugins) {
            assert.strictEqual(file, `${dir}/${name}.so`);
            assert.strictEqual(ok, !(name in wrong), `${name}: ${why}`);
            if (ok) {
                assert.deepStrictEqual([version, abi], ['1.0.0', '1.1']);
            } else {
                assert.match(why, wrong[name]);
            }
        }
    }));

    it('prints a table for people', () => withFolder(
        plugins('chat', 'echo', 'oldmajor'), async (dir) => {
            const { code, stdout, stderr } = await runCommand(
                ['plugin', 'list', `--dir=${dir}`]);
            const lines = stdout.trim().split('\n');

            assert.deepStrictEqual([code, stderr], [0, '']);
            assert.match(lines[0], /^NAME +VERSION +ABI +SUMMARY$/);
            assert.match(lines[1], /^chat +1\.0\.0 +1\.1 +chat rooms /);
            assert.match(lines[2], /^echo +.* +1\.1 /);
            assert.match(lines[3], /^oldmajor +- +- +refused: was built for /);
            assert.strictEqual(lines.length, 4);
        }));

    it('takes the folder from a configuration, even a wrong one',
        () => withHost({
            ini: (host) => {
                host.addPlugin('echo');
                return '[server]\nplugin_dir = plugins\nlisen = x\n';
            },
            start: false,
        }, async (host) => {
            const { code, stdout } = await plugin(host, 'list');

            assert.strictEqual(code, 0);
            assert.match(stdout, /^echo /m);
            fs.unlinkSync(`${host.pluginDir}/echo.so`);
            assert.strictEqual((await plugin(host, 'list')).stdout,
                `no plugins in ${host.pluginDir}\n`);
        }));

    it('without any, takes that of the shipped plugins', {
        skip: fs.existsSync('/etc/patchbay/patchbay.ini'),
    }, async () => {
        const { stdout } = await runCommand(['plugin', 'list', '--json']);
        const { dir, plugins: listed } = JSON.parse(stdout);

        assert.strictEqual(dir, fs.realpathSync(path.dirname(
            pluginFile('chat'))));
        assert.ok(listed.some(({ name, ok }) => name === 'chat' && ok));
    });

    it('says what it cannot read', async () => {
        const noDir = await runCommand(['plugin', 'list', '--dir', '/nowhere']);

        assert.strictEqual(noDir.code, 1);
        assert.match(noDir.stderr,
            /cannot read the folder \/nowhere: No such file or directory/);
        const noFile = await runCommand(
            ['plugin', 'list', '-c', '/nowhere/patchbay.ini']);

        assert.strictEqual(noFile.code, 3);
        assert.match(noFile.stderr, /\/nowhere\/patchbay\.ini/);
    });
});

describe('plugin show', () => {
    const SETUP = {
        ini: (host) => {
            ['chat', 'everything', 'oldmajor'].forEach((name) =>
                host.addPlugin(name));
            return '[server]\nplugin_dir = plugins\n' +
                '[route.lobby]\npath = /lobby\nplugin = chat\n' +
                '[route.rooms]\npath = /rooms/*\nplugin = chat\n';
        },
        start: false,
    };

    it('tells all that one has to know', () => withHost(SETUP,
        async (host) => {
            const { code, stdout, stderr } =
                await plugin(host, 'show', 'chat');

            assert.deepStrictEqual([code, stderr], [0, '']);
            assert.match(stdout, /^chat 1\.0\.0: chat rooms /);
            assert.match(stdout, /^ABI +1\.1$/m);
            assert.match(stdout, /^workers +as many as /m);
            assert.match(stdout, /^hooks +open, message, presence$/m);
            assert.match(stdout, /^reload +It keeps \d+ bytes for each connection\. /m);
            assert.match(stdout, /bytes, hash [0-9a-f]{16}$/m);
            assert.match(stdout, /^OPTION +TYPE +RANGE +DEFAULT +HELP$/m);
            assert.match(stdout,
                /^max_text +number +1 to 100000 +2000 +characters of /m);
            assert.match(stdout, /^lobby +\/lobby$/m);
            assert.match(stdout, /^rooms +\/rooms\/\*$/m);
            for (const line of stdout.split('\nOptions')[0].split('\n')) {
                assert.ok(line.length <= 80 || line.includes(host.dir), line);
            }
        }));

    it('prints JSON for programs', () => withHost(SETUP, async (host) => {
        const { code, stdout } =
            await plugin(host, 'show', 'everything', '--json');
        const about = JSON.parse(stdout);

        assert.strictEqual(code, 0);
        assert.strictEqual(about.ok, true);
        assert.strictEqual(about.name, 'everything');
        assert.strictEqual(about.size,
            fs.statSync(pluginFile('everything')).size);
        assert.deepStrictEqual(about.routes, []);
        assert.deepStrictEqual(about.options.find(({ name }) =>
            name === 'limit').range, '-100 to 100');
        assert.ok(about.subprotocols.includes('v1.everything'));
        const chat = JSON.parse((await plugin(host, 'show', 'chat',
            '--json')).stdout);

        assert.deepStrictEqual(chat.routes, [
            { route: 'lobby', path: '/lobby' },
            { route: 'rooms', path: '/rooms/*' },
        ]);
    }));

    it('takes the path of a file, too', async () => {
        const { code, stdout } = await runCommand(
            ['plugin', 'show', pluginFile('single')]);

        assert.strictEqual(code, 0);
        assert.match(stdout, /^workers +one only: set workers = 1 /m);
        assert.match(stdout, /^It has no options\.$/m);
    });

    it('says why there is nothing to show', () => withHost(SETUP,
        async (host) => {
            const refused = await plugin(host, 'show', 'oldmajor');

            assert.strictEqual(refused.code, 1);
            assert.strictEqual(refused.stdout, '');
            assert.match(refused.stderr,
                /oldmajor\.so was built for ABI 0\.7, this host has /);
            const absent = await plugin(host, 'show', 'caht');

            assert.strictEqual(absent.code, 1);
            assert.match(absent.stderr, /caht\.so cannot be read: No such /);
            assert.match(absent.stderr, /did you mean "chat"\?/);
            assert.strictEqual((await plugin(host, 'show')).code, 2);
        }));
});

describe('plugin check', () => {
    it('is content with a good one', async () => {
        const { code, stdout, about } = await check(pluginFile('everything'));

        assert.strictEqual(code, 0);
        assert.match(stdout, /^ {2}ok +is everything 1\.0\.0, ABI 1\.1$/m);
        assert.match(stdout, /^ {2}ok +exports bay_plugin_descriptor only$/m);
        assert.match(stdout, /\nok: 0 errors, 0 warnings\n$/);
        assert.strictEqual(about.ok, true);
        assert.ok(about.exported.includes('bay_plugin_descriptor'));
    });

    it('finds what a plugin should not have, and says what to do',
        async () => {
            const { code, stdout, about } = await check(pluginFile('suspect'));
            const found = (level) => about.findings
                .filter((each) => each.level === level)
                .map(({ what }) => what).join('\n');

            assert.strictEqual(code, 0, stdout);
            assert.match(found('warning'), /^exports uv_version, which a /m);
            assert.match(found('warning'), /^exports suspect_calls, .*: a/m);
            assert.match(found('warning'), /^takes json_object from a /m);
            assert.match(found('warning'), /^has migrate_conn, but no block/m);
            assert.match(found('warning'), /^has a min and max for option ti/m);
            assert.match(found('note'), /^has \d+ bytes of thread-local /m);
            assert.match(found('note'), /^has no help for option size$/m);
            assert.match(found('note'), /^runs with one worker only/m);
            assert.match(stdout, /^ +compile with -fvisibility=hidden: /m);
            assert.match(stdout, /\nok: 0 errors, 5 warnings\n$/);
        });

    for (const [name, why] of Object.entries(REFUSED)) {
        it(`refuses ${name}`, async () => {
            const { code, stdout, about } = await check(pluginFile(name));

            assert.strictEqual(code, 1);
            assert.strictEqual(about.ok, false);
            assert.match(about.why, why);
            assert.ok(stdout.includes(`  error    ${about.why}\n`), stdout);
            assert.match(stdout, /\nrefused: [12] errors?, \d+ warnings?\n$/);
        });
    }

    it('names what would not resolve', async () => {
        const { about } = await check(pluginFile('undefsym'));

        assert.ok(about.findings.some(({ level, what }) => level === 'error' &&
            what.startsWith('wants undefsym_missing_function, which no ')));
        assert.deepStrictEqual(about.wanted.find(({ name }) =>
            name === 'undefsym_missing_function').from, 'nobody');
    });

    for (const [name, [content, why]] of Object.entries(MADE)) {
        it(`refuses what is ${name}`, () => withFolder(
            { [`${name}.so`]: content() }, async (dir) => {
                const { code, about } = await check(`${dir}/${name}.so`);

                assert.strictEqual(code, 1);
                assert.match(about.why, why);
            }));
    }

    it('names a library that is missing', () => withFolder({
        'chat.so': Buffer.from(fs.readFileSync(pluginFile('chat'))
            .toString('latin1')
            .replaceAll('libjansson.so.', 'libnowhere.so.'), 'latin1'),
    }, async (dir) => {
        const { code, about } = await check(`${dir}/chat.so`);

        assert.strictEqual(code, 1);
        assert.match(about.why, /^cannot be loaded: libnowhere\.so\.\d+: /);
        assert.match(about.findings.find(({ level }) => level === 'error').what,
            /^needs libnowhere\.so\.\d+, which cannot be loaded: cannot open/);
    }));

    it('leaves nothing behind', async () => {
        const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-tmp-'));

        try {
            for (const name of ['echo', 'crash_ctor', 'wrongname']) {
                await runCommand(['plugin', 'check', pluginFile(name)],
                    { env: { TMPDIR: tmp } });
            }
            assert.deepStrictEqual(fs.readdirSync(tmp), []);
        } finally {
            fs.rmSync(tmp, { recursive: true });
        }
    });
});

describe('plugin', () => {
    it('explains its commands', async () => {
        for (const args of [['help', 'plugin'], ['plugin', '--help']]) {
            const { code, stdout } = await runCommand(args);

            assert.strictEqual(code, 0);
            assert.match(stdout, /^usage: patchbay plugin COMMAND$/m);
            assert.match(stdout, /^ {2}plugin check FILE\.so +find all /m);
        }
        const { stdout } = await runCommand(['help', 'plugin', 'list']);

        assert.match(stdout, /^usage: patchbay plugin list \[-c FILE\] /);
        assert.match(stdout, /^ {2}--dir DIR +the folder of the plugins/m);
    });

    it('is misused with exit code 2, and a hint', async () => {
        for (const [args, pattern] of [
            [[], /plugin takes a command: list, show, check/],
            [['lst'], /unknown command "lst", did you mean "list"/],
            [['list', 'x'], /plugin list: one word too many: "x"/],
            [['list', '--dri', 'x'], /"--dri", did you mean "--dir"/],
            [['list', '--dir'], /--dir takes a value: --dir DIR/],
            [['check'], /plugin check takes FILE\.so/],
            [['check', 'a', 'b'], /one word too many: "b"/],
        ]) {
            const { code, stderr } = await runCommand(['plugin', ...args]);

            assert.strictEqual(code, 2, args.join(' '));
            assert.match(stderr, pattern);
        }
    });
});
