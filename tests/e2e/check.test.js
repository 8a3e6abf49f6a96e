/* check.test.js - patchbay check: what is wrong with a file, all at once */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const { pluginFile, runCommand } = require('./lib/host.js');
const { withHost } = require('./lib/suite.js');
const { SLOWNESS, stopwatch } = require('./lib/wait.js');

const ROUTE = '[route.echo]\npath = /echo\nplugin = echo\n';

/* The rest of a file that is right, so that a line of the test is the only
 * one that is wrong. */
const whole = (lines) => `[server]\nrun_dir = run\nplugin_dir = plugins\n` +
    `${lines}\n${ROUTE}`;

/* What check says of a text: its lines without the name of the file. Nothing
 * was started, and run says the same. */
async function check(text, plugins = ['echo']) {
    let lines;

    await withHost({
        ini: (host) => {
            plugins.forEach((name) => host.addPlugin(name));
            return text;
        },
        start: false,
    }, async (host) => {
        const { code, stdout, stderr } = await host.command('check');

        assert.strictEqual(stdout, '');
        assert.strictEqual(code, 3, stderr);
        lines = stderr.trim().split('\n')
            .filter((line) => !line.startsWith('exit_ctor: '))
            .map((line) => {
                assert.ok(line.startsWith(`${host.ini}:`), line);
                return line.slice(host.ini.length + 1).trim()
                    .replaceAll(host.dir, 'DIR');
            });
        const run = await host.command('run');

        assert.strictEqual(run.code, 3);
        assert.strictEqual(run.stderr, stderr);
        assert.ok(!fs.existsSync(host.runDir), 'run made its folder');
    });
    return lines;
}

/* A line of output as a pattern, where ... stands for anything. */
function like(text) {
    const parts = text.split('...').map((part) =>
        part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));

    return new RegExp(`^${parts.join('.*')}$`);
}

/* One mistake, one line of output: its number, and what it has to say. */
const MISTAKES = [
    ['an unknown key', 'lisen = localhost:9501',
        '4: [server] lisen: unknown key, did you mean "listen"?'],
    ['a key of another section', 'max_message = 1m',
        '4: [server] max_message:...belongs in [limits]...'],
    ['an unknown section', '[limit]\nping = 1s',
        '4: [limit]: unknown section...did you mean [limits]?'],
    ['a duplicate key', 'workers = 1\nworkers = 2',
        '5: [server] workers: duplicate key, first on line 4'],
    ['a duplicate section', '[server]',
        '4: [server]: duplicate section, first on line 1'],
    ['a missing =', 'workers',
        '4: [server]: no "=" in "workers"...'],
    ['an open section', '[limits\nping = 1s',
        '4:..."]" is missing'],
    ['an unterminated quote', 'user = "root',
        '4: [server] user: the quote " is not closed...'],
    ['text behind a quote', 'user = "root" too',
        '4: [server] user: text behind the closing quote...'],
    ['a value cut by a comment', '[http]\nroot = www;html',
        '5: [http] root: the ; cuts the value to "www"...'],
    ['a key before the first section', '',
        '1:...workers: a key before the first [section]...',
        (text) => `workers = 1\n${text}`],
    ['an upper case name', 'Workers = 1',
        '4: [server]: names are lower case, write workers'],
    ['no UTF-8', '',
        '4:...not UTF-8...',
        (text) => Buffer.from(text.replace('\n[route',
            'user = \xff\n\n[route'), 'latin1')],
    ['a byte order mark', '', '1:...byte order mark...',
        (text) => `\ufeff${text}`],
    ['a size that is none', '[limits]\nmax_message = 1 MB',
        '5: [limits] max_message: "1 MB" is not a size...did you mean "1m"?'],
    ['a time without a unit', '[limits]\nping = 25',
        '5: [limits] ping: "25" is not a time...did you mean "25s"?'],
    ['a number out of range', 'workers = 1000',
        '4: [server] workers: "1000" is out of range, allowed is auto, or ' +
            'from 1 to 128'],
    ['a number that is none', 'workers = two',
        '4: [server] workers: "two" is not a number...'],
    ['a word that is unknown', '[log]\nlevel = verbose',
        '5: [log] level: "verbose" is unknown, allowed is error, warn, info ' +
            'or debug...'],
    ['neither yes nor no', '[log]\naccess = maybe',
        '5: [log] access: "maybe" is neither yes nor no...'],
    ['an empty value', 'workers =',
        '4: [server] workers: is empty...'],
    ['an address that is none', 'listen = 9501',
        '4: [server] listen: "9501"...did you mean "localhost:9501"?'],
    ['a URL for an address', 'listen = http://localhost:80/',
        '4: [server] listen:...did you mean "localhost:80"?'],
    ['a port out of range', 'listen = localhost:70000',
        '4: [server] listen:...no port from 0 to 65535...'],
    ['an address twice', 'listen = 127.0.0.1:1, 127.0.0.1:1',
        '4: [server] listen:...same address...'],
    ['a user that does not exist', 'user = nobodyatall',
        '4: [server] user: "nobodyatall" is not a user...'],
    ['a network that is none', 'proxies = 10.0.0.1/8',
        '4: [server] proxies:...did you mean "10.0.0.0/8"?'],
    ['a certificate without its key', '[tls]\ncert = patchbay.ini',
        '5: [tls] cert: needs the private key...'],
    ['a certificate that is not there',
        '[tls]\ncert = a.pem\nkey = patchbay.ini',
        '5: [tls] cert: DIR/a.pem does not exist'],
    ['a root that is not there', '[http]\nroot = www',
        '5: [http] root: DIR/www does not exist'],
    ['a root that is a file', '[http]\nroot = patchbay.ini',
        '5: [http] root:... is not a folder'],
    ['an origin that is none', '[limits]\norigins = example.org',
        '5: [limits] origins:...did you mean "https://example.org"?'],
    ['a run_dir that is too long', '',
        '2: [server] run_dir:...too long...',
        (text) => text.replace('run_dir = run',
            `run_dir = ${'x'.repeat(100)}`)],
    ['a route without a path', '[route.x]\nplugin = echo',
        '4: [route.x] path: is missing, as in path = /echo'],
    ['a route without a plugin', '[route.x]\npath = /x',
        '4: [route.x] plugin: is missing, as in plugin = echo'],
    ['two routes with one path', '[route.x]\npath = /echo\nplugin = echo',
        '8: [route.echo] path: "/echo" is the path of [route.x], too (line 5)'],
    ['a path without a slash', '[route.x]\npath = x\nplugin = echo',
        '5: [route.x] path:...did you mean "/x"?'],
    ['a * in the midst of a path', '[route.x]\npath = /x*\nplugin = echo',
        '5: [route.x] path:...a * stands only at the end...'],
    ['a path that is a page of the host',
        '[route.x]\npath = /-/health\nplugin = echo',
        '5: [route.x] path: "/-/health" is the path of [http] health, too'],
    ['an unknown key of a route',
        '[route.x]\npath = /x\nplugin = echo\nmax_mesage = 1',
        '7: [route.x] max_mesage: unknown key, did you mean "max_message"?'],
    ['a plugin with a path', '[route.x]\npath = /x\nplugin = ./Echo.so',
        '6: [route.x] plugin:...did you mean "echo"?'],
    ['a plugin that is not there', '[route.x]\npath = /x\nplugin = nothing',
        '6: [route.x] plugin: DIR/plugins/nothing.so cannot be read: ' +
            'No such file or directory'],
    ['a section for a plugin without a route', '[plugin.chat]\nhistory = 1',
        '4: [plugin.chat]: no route has plugin = chat...'],
];

describe('check finds', () => {
    for (const [what, lines, said, change = (text) => text] of MISTAKES) {
        it(what, async () => {
            const found = await check(change(whole(lines)));

            assert.strictEqual(found.length, 1, found.join('\n'));
            assert.match(found[0], like(said));
        });
    }

    it('a file that is not there, or is none', () => withHost(
        { start: false, routes: {} }, async (host) => {
            fs.unlinkSync(host.ini);
            for (const [prepare, pattern] of [
                [() => {}, /cannot be opened: [Nn]o such file/],
                [() => fs.mkdirSync(host.ini), /is a folder, not a file/],
            ]) {
                prepare();
                const { code, stderr } = await host.command('check');

                assert.strictEqual(code, 3);
                assert.match(stderr, pattern);
                assert.ok(stderr.startsWith(host.ini));
            }
        }));

    it('a file of the wrong kind', async () => {
        const said = await check('x'.repeat(300 * 1024));

        assert.deepStrictEqual(said.length, 1);
        assert.match(said[0], /larger than 256 KiB/);
        assert.ok((await check(fs.readFileSync(pluginFile('echo'))
            .subarray(0, 5000))).length > 0);
    });
});

describe('check', () => {
    it('prints all mistakes of a file, by line', async () => {
        const said = await check(`workers = 1
[server]
plugin_dir = plugins
run_dir = run
lisen = localhost:9501
workers = many
[limits]
ping = 25
max_message = 2 GB
nonsense
[route.a]
path = /a
plugin = nothing
[route.b]
path = /a
[route.c]
path = c
plugin = nosymbol
[servr]
x = 1
`, ['echo', 'nosymbol']);
        const numbers = said.map((line) => parseInt(line, 10));

        assert.deepStrictEqual(numbers,
            [1, 5, 6, 8, 9, 10, 13, 14, 15, 17, 18, 19], said.join('\n'));
    });

    it('takes no misspelt plugin_dir for plugins that are not there',
        async () => {
            const said = await check(whole('').replace('plugin_dir',
                'plugin_dri'));

            assert.strictEqual(said.length, 1, said.join('\n'));
            assert.match(said[0], /did you mean "plugin_dir"\?$/);
        });

    it('looks at every plugin', async () => {
        const said = await check(whole(['nothing', 'nosymbol', 'oldmajor']
            .map((name) => `[route.${name}]\npath = /${name}\n` +
                `plugin = ${name}`).join('\n')),
        ['echo', 'nosymbol', 'oldmajor']);

        assert.strictEqual(said.length, 3, said.join('\n'));
    });

    it('prints JSON for programs', () => withHost({
        ini: () => whole('lisen = 1'), start: false,
    }, async (host) => {
        host.addPlugin('echo');
        const { code, stdout, stderr } = await host.command('check', '--json');
        const answer = JSON.parse(stdout);

        assert.strictEqual(code, 3);
        assert.strictEqual(stderr, '');
        assert.strictEqual(answer.ok, false);
        assert.strictEqual(answer.problems.length, 1);
        assert.strictEqual(answer.problems[0].file, host.ini);
        assert.strictEqual(answer.problems[0].line, 4);
        assert.match(answer.problems[0].text, /lisen/);
    }));

    it('is content with what is right', () => withHost({
        ini: () => whole('listen = localhost:0 ; a comment\n' +
            '# and another\n[limits]\norigins = "*"'),
        start: false,
    }, async (host) => {
        host.addPlugin('echo');
        const { code, stdout, stderr } = await host.command('check');

        assert.strictEqual(stderr, '');
        assert.strictEqual(stdout, 'ok: 1 route, 1 plugin\n');
        assert.strictEqual(code, 0);
        assert.strictEqual(
            (await host.command('check', '--json')).stdout,
            '{"ok":true,"problems":[]}\n');
        assert.ok(!fs.existsSync(host.runDir));
    }));

    it('lists every key, in a file that is right itself', () => withHost(
        { start: false, routes: {} }, async (host) => {
            const { code, stdout } = await host.command('check', '--keys');

            assert.strictEqual(code, 0);
            for (const key of ['listen', 'max_message', 'origins', 'health',
                'min_version', 'on_reload']) {
                assert.match(stdout, new RegExp(`^;?${key} =`, 'm'));
            }
            fs.writeFileSync(host.ini, stdout);
            const { stderr } = await host.command('check');

            assert.strictEqual(stderr, '');
        }));
});

/* Plugins that are no good: the file they are put in as, and why not. */
const REFUSED = [
    ['nosymbol', 'has no bay_plugin_descriptor symbol...'],
    ['newabi', 'was built for ABI 1.2, this host has 1.1: install a newer ' +
        'patchbay or rebuild the plugin'],
    ['oldmajor', 'was built for ABI 0.7, this host has 1.1: rebuild the ' +
        'plugin...'],
    ['crash_ctor', 'crashed while loading (SIG...)...'],
    ['exit_ctor', 'called exit(3) while loading...'],
    ['wrongname', 'calls itself "...", but its file is that of ' +
        '"wrongname"...'],
    ['undefsym', 'cannot be loaded: undefined symbol: ' +
        'undefsym_missing_function...'],
    ['badoptions', 'has for option history a wrong fallback...'],
    ['nonsense_no_hooks', 'does nothing: it has none of the hooks message...'],
    ['nonsense_wild', 'crashed while its descriptor was read (SIG...)...'],
    ['nonsense_twice', 'declares option sides twice'],
    ['nonsense_bad_name', 'has the option name "Dice.Sides", which is not...'],
    ['nonsense_bad_type', 'has for option colour the unknown type 17'],
    ['nonsense_bad_range', 'has for option sides a min, 100, above its max...'],
    ['nonsense_bad_fallback', 'has for option sides a wrong fallback: "six"...'],
    ['nonsense_no_end', 'has no end of its options within 256...'],
];

/* Files that are no plugins at all. */
const FILES = {
    'a text': [() => 'this is no plugin\n', /ELF|not a shared object/i],
    'an empty file': [() => '', /empty|ELF|short/i],
    'half of a plugin': [() => {
        const bytes = fs.readFileSync(pluginFile('echo'));

        return bytes.subarray(0, bytes.length / 2);
    }, /cut|short|truncated|ends|incomplete/i],
    'the head of a plugin': [() =>
        fs.readFileSync(pluginFile('echo')).subarray(0, 100),
    /cut|short|truncated|ends|incomplete/i],
    'a plugin for another machine': [() => {
        const bytes = fs.readFileSync(pluginFile('echo'));

        bytes.writeUInt16LE(0x1234, 18);
        return bytes;
    }, /is for another machine: ELF machine 4660, this host is /],
    'a program': [() => fs.readFileSync(process.execPath)
        .subarray(0, 1 << 20), /./],
};

describe('check refuses a plugin', { concurrency: 2 }, () => {
    const routes = (name) => whole(`[route.bad]\npath = /bad\n` +
        `plugin = ${name}\n`);

    for (const [name, why] of REFUSED) {
        it(`like ${name}`, async () => {
            const said = await check(routes(name), ['echo', name]);

            assert.strictEqual(said.length, 1, said.join('\n'));
            assert.match(said[0], like(
                `6: [route.bad] plugin: DIR/plugins/${name}.so ${why}`));
        });
    }

    for (const [what, [content, pattern]] of Object.entries(FILES)) {
        it(`that is ${what}`, () => withHost({
            ini: () => routes('bad'), start: false,
        }, async (host) => {
            host.addPlugin('echo');
            fs.writeFileSync(`${host.pluginDir}/bad.so`, content());
            for (const command of ['check', 'run']) {
                const { code, stderr } = await host.command(command);

                assert.strictEqual(code, 3);
                assert.match(stderr, new RegExp(
                    ':6: \\[route\\.bad\\] plugin: .*/bad\\.so '));
                assert.match(stderr, pattern);
            }
        }));
    }

    it('that is a folder, or a FIFO', () => withHost({
        ini: () => routes('bad'), start: false,
    }, async (host) => {
        host.addPlugin('echo');
        fs.mkdirSync(`${host.pluginDir}/bad.so`);
        assert.match((await host.command('check')).stderr,
            /bad\.so is a directory, not a shared object/);
        fs.rmdirSync(`${host.pluginDir}/bad.so`);
        require('node:child_process').execFileSync('mkfifo',
            [`${host.pluginDir}/bad.so`]);
        assert.match((await host.command('check')).stderr,
            /bad\.so is not a regular file/);
    }));

    it('that needs one worker, for more', async () => {
        const text = whole('workers = 2\n[route.single]\npath = /single\n' +
            'plugin = single\n');
        const said = await check(text, ['echo', 'single']);

        assert.strictEqual(said.length, 1, said.join('\n'));
        assert.match(said[0], like('7: [route.single] plugin: ...' +
            'set workers = 1 in [server], not 2'));
    });

    it('whose options are wrong', async () => {
        const said = await check(whole(`[route.every]
path = /every
plugin = everything
everything.limit = 1000
everything.verbos = yes
everything.wait = soon
[plugin.everything]
buffer = 0
`), ['echo', 'everything']);

        assert.deepStrictEqual(said.map((line) => parseInt(line, 10)),
            [7, 8, 9, 11], said.join('\n'));
        assert.match(said[0], /everything\.limit: .*1000.*-100.*100/);
        assert.match(said[1],
            /everything\.verbos: .*did you mean "(everything\.)?verbose"/);
        assert.match(said[2], /everything\.wait: "soon" is not a time/);
        assert.match(said[3], /\[plugin\.everything\] buffer: /);
    });
});

describe('check takes', () => {
    it('a plugin that talks while it loads', () => withHost({
        ini: () => whole('[route.noisy]\npath = /noisy\nplugin = noisy\n'),
        start: false,
    }, async (host) => {
        host.addPlugin('echo');
        host.addPlugin('noisy');
        const { code, stdout, stderr } = await host.command('check');

        assert.strictEqual(code, 0, stderr);
        assert.strictEqual(stdout, 'ok: 2 routes, 2 plugins\n');
        assert.match(stderr, /noisy/);
    }));
});

describe('check ends', () => {
    it('soon when several plugins hang', () => withHost({
        ini: (host) => whole(['a', 'b', 'c', 'd'].map((name) => {
            host.addPlugin('hang_ctor', name);
            return `[route.${name}]\npath = /${name}\nplugin = ${name}\n`;
        }).join('')),
        start: false,
    }, async (host) => {
        host.addPlugin('echo');
        const took = stopwatch();
        const { code, stderr } = await runCommand(['check', '-c', host.ini],
            { ms: 20000 * SLOWNESS, cwd: host.dir });

        assert.strictEqual(code, 3);
        for (const name of ['a', 'b', 'c', 'd']) {
            assert.ok(stderr.includes(`${host.pluginDir}/${name}.so did ` +
                'not finish loading within 5000 ms: a constructor hangs'),
            stderr);
        }
        assert.ok(took() < 8000 * SLOWNESS);
    }));
});
