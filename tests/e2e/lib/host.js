/* host.js - a running patchbay, with an INI file and a folder of its own */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { Client, refusal } = require('./client.js');
const { iniText } = require('./ini.js');
const { parseMetrics, request } = require('./http.js');
const processes = require('./processes.js');
const { RawSocket } = require('./raw.js');
const { Feed, SLOWNESS, SOON_MS, VALGRIND, until, within } =
    require('./wait.js');

const BUILD = path.resolve(process.env.BUILD_DIR ??
    path.join(__dirname, '../../../build'));
const PATCHBAY = path.join(BUILD, 'patchbay');
const PLUGIN_DIRS = ['plugins', 'tests/plugins'];

const SANITIZER = /AddressSanitizer|LeakSanitizer|runtime error:/;

/* One line of a text log. */
const LINE = new RegExp(
    '^(?<time>\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z) ' +
    '(?<level>error|warn|info|debug) +(?<who>master|worker \\d+)' +
    '(?: \\[(?<route>[^/\\]]+)(?:/(?<plugin>[^\\]]+))?\\])?' +
    '(?: #(?<conn>\\d+))?(?: (?<remote>[^ ]+))?: (?<message>.*)$');

function parseLine(text) {
    const found = LINE.exec(text);

    return found ? { text, ...found.groups } : { text, message: text };
}

/* Neither a test that fails nor one that is killed leaves a host behind: it is
 * killed when this process ends. */
const KEEPER = ['setpriv', '--pdeathsig', 'KILL'];

/* Each patchbay is started by a command, if there is one, such as valgrind:
 * tests/valgrind. */
const WRAPPER = (process.env.PATCHBAY_WRAPPER ?? '').split(' ').filter(Boolean);
const PROGRAM = [...WRAPPER, PATCHBAY];

/* The shared object of a plugin, wherever it was built. */
function pluginFile(name) {
    const dirs = PLUGIN_DIRS.map((dir) => path.join(BUILD, dir));

    if (process.env.PATCHBAY_KEPT_PLUGINS !== undefined) { /* see tests/abi */
        dirs.unshift(process.env.PATCHBAY_KEPT_PLUGINS);
    }
    const file = dirs.map((dir) => path.join(dir, `${name}.so`))
        .find((each) => fs.existsSync(each));

    assert.ok(file, `${name}.so is not built in ${BUILD}`);
    return file;
}

/* A patchbay command that ends by itself: { code, signal, stdout, stderr }. */
async function runCommand(args, { env = {}, ms = SOON_MS, cwd } = {}) {
    const child = spawn(KEEPER[0], [...KEEPER.slice(1), ...PROGRAM, ...args],
        { stdio: ['ignore', 'pipe', 'pipe'], cwd,
            env: { ...process.env, ...env } });
    const out = { stdout: '', stderr: '' };

    for (const name of ['stdout', 'stderr']) {
        child[name].setEncoding('utf8').on('data', (text) => {
            out[name] += text;
        });
    }
    const ended = new Promise((done, fail) => {
        child.on('error', fail);
        child.on('close', (code, signal) => done({ code, signal }));
    });

    try {
        const result = { ...await within(ended,
            `the end of patchbay ${args.join(' ')}`, ms), ...out };

        assert.doesNotMatch(result.stderr, SANITIZER);
        return result;
    } catch (error) {
        child.kill('SIGKILL');
        error.message += `\n${out.stdout}${out.stderr}`;
        throw error;
    }
}

/*
 * setup: sections of the INI file (server, tls, log, limits, http, cluster, and
 * plugins, certificates, routes: each { NAME: {} }); or ini, its whole text, of
 * which the function's argument is the host. files: { 'www/x.html': text } in
 * its folder, which is open to other users if `open` says so; env; prefix: a
 * command that starts it; expected: a pattern for each line of level warn or
 * error that belongs to the test.
 */
class Host {
    constructor(setup = {}) {
        this.setup = setup;
        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-e2e-'));
        this.pluginDir = path.join(this.dir, 'plugins');
        this.runDir = path.join(this.dir, 'run');
        this.ini = path.join(this.dir, 'patchbay.ini');
        this.expected = [...setup.expected ?? []];
        this.clients = new Set();
        this.failed = false;
        this.checked = true;
        fs.mkdirSync(this.pluginDir);
        if (setup.open) {
            fs.chmodSync(this.dir, 0o755);
        }
        for (const [name, text] of Object.entries(setup.files ?? {})) {
            this.writeFile(name, text);
        }
        this.writeIni();
    }

    /* ---- its files ---------------------------------------------------- */

    file(name) {
        return path.join(this.dir, name);
    }

    writeFile(name, text) {
        fs.mkdirSync(path.dirname(this.file(name)), { recursive: true });
        fs.writeFileSync(this.file(name), text);
        return this.file(name);
    }

    /* Puts a plugin into plugin_dir, by another name if wanted. */
    addPlugin(name, as = name) {
        const link = path.join(this.pluginDir, `${as}.so`);

        if (!fs.existsSync(link)) {
            fs.symlinkSync(pluginFile(name), link);
        }
        return link;
    }

    /* Puts other bytes in its place, as an installation does: a plugin that was
     * built, or a Buffer. */
    replacePlugin(as, by) {
        const next = path.join(this.dir, 'next.so');

        if (Buffer.isBuffer(by)) {
            fs.writeFileSync(next, by);
        } else {
            fs.copyFileSync(pluginFile(by), next);
        }
        fs.renameSync(next, path.join(this.pluginDir, `${as}.so`));
    }

    writeIni() {
        const { server, tls, log, limits, http, cluster, certificates = {},
            plugins = {}, routes = {}, ini } = this.setup;
        const named = (kind, sections) => Object.fromEntries(
            Object.entries(sections).map(([name, keys]) =>
                [`${kind}.${name}`, keys]));

        if (ini) {
            fs.writeFileSync(this.ini, ini(this));
            return;
        }
        for (const { plugin } of Object.values(routes)) {
            this.addPlugin(plugin);
        }
        fs.writeFileSync(this.ini, iniText({
            server: {
                listen: '127.0.0.1:0', workers: 1, plugin_dir: 'plugins',
                run_dir: 'run', drain: `${Math.max(5, SLOWNESS)}s`,
                ...server,
            },
            ...tls && { tls },
            /* Two cores that everybody uses make hooks look slow. */
            limits: { slow_hook: '10s',
                ...VALGRIND && { hook_timeout: '300s', crash_window: '1h' },
                ...limits },
            log: { level: 'debug', ...log },
            ...http && { http },
            ...cluster && { cluster },
            ...named('certificate', certificates),
            ...named('plugin', plugins),
            ...named('route', routes),
        }));
    }

    /* ---- its life ----------------------------------------------------- */

    launch() {
        /* The last words of one that was killed are not those of the next. */
        const lines = new Feed('the log');

        this.lines = lines;
        this.stdout = '';
        this.checked = false;
        this.killed = false;
        /* A session of its own: all that it starts can be found by it. */
        this.child = spawn(KEEPER[0],
            [...KEEPER.slice(1), ...this.setup.prefix ?? [], ...PROGRAM,
                'run', '-c', this.ini],
            { detached: true, cwd: this.dir,
                stdio: ['ignore', 'pipe', 'pipe'],
                env: { ...process.env, ...this.setup.env } });
        this.pid = this.child.pid;
        this.collect(lines);
        this.exit = new Promise((done, fail) => {
            this.child.on('error', fail);
            this.child.on('exit', (code, signal) => done({ code, signal }));
        });
        this.silence = new Promise((done) => this.child.on('close', () => {
            lines.end('the host has ended');
            done();
        }));
        return this;
    }

    collect(feed) {
        let rest = '';

        this.child.stdout.setEncoding('utf8').on('data', (text) => {
            this.stdout += text;
        });
        this.child.stderr.setEncoding('utf8').on('data', (text) => {
            const lines = (rest + text).split('\n');

            rest = lines.pop();
            lines.forEach((line) => feed.push(parseLine(line)));
        }).on('end', () => rest && feed.push(parseLine(rest)));
    }

    /* Starts it; all its workers serve when this is done. */
    async start() {
        this.launch();
        await this.ready().catch((error) => this.fail(error));
        this.addresses = this.readAddresses();
        assert.ok(this.addresses.length > 0, 'no file of addresses');
        return this;
    }

    ready() {
        if (!this.setup.log?.file) {
            return this.lines.find(({ message }) =>
                message.startsWith('listening on '), 'a line "listening on"');
        }
        /* Its log is a file, so nothing is heard of it. */
        return until(() => this.readAddresses().length > 0,
            'a host that listens');
    }

    /* For a host that has to refuse to start: { code, signal }. */
    async startFails() {
        this.launch();
        const how = await within(this.exit, 'a host that does not start');

        await within(this.silence, 'the end of its log');
        await this.assertGone();
        this.checked = true;
        return how;
    }

    /* The addresses it got, as "127.0.0.1:1234", "[::1]:1234", "unix:/x". */
    readAddresses() {
        try {
            return fs.readFileSync(path.join(this.runDir, 'addresses'), 'utf8')
                .trim().split('\n').filter(Boolean);
        } catch {
            return [];
        }
    }

    signal(name) {
        process.kill(this.pid, name);
    }

    /* Waits for its end: { code, signal }. */
    async ended(ms) {
        const how = await within(this.exit, 'the end of the host', ms);

        await within(this.silence, 'the end of its log');
        return how;
    }

    /* Ends the connections, then the host, and looks at what is left. */
    async stop(name = 'SIGTERM') {
        this.disconnect();
        /* Each is one for a moment, before it is collected. */
        await until(() => !processes.childrenOf(this.pid)
            .some(processes.isZombie), 'the end of the host\'s zombies');
        this.signal(name);
        await this.assertEnded();
    }

    /* It was told to end: exit code 0, and nothing left behind. */
    async assertEnded(ms) {
        assert.deepStrictEqual(await this.ended(ms),
            { code: 0, signal: null }, 'the exit of the host');
        await this.assertGone();
        /* Crash reports are to be read afterwards. */
        assert.deepStrictEqual(fs.readdirSync(this.runDir)
            .filter((name) => name !== 'crashes'), [], 'left behind in run_dir');
        this.assertLog();
        this.checked = true;
    }

    /* A process that has ended may wait a moment for init to take note of it. */
    async assertGone() {
        await until(() => !processes.inSession(this.pid)
            .some(processes.isZombie), 'the end of its zombies');
        const left = processes.inSession(this.pid);

        assert.strictEqual(processes.text(left), '', 'left-over processes');
        assert.strictEqual(this.stdout, '', 'standard output');
    }

    /* What is in the log that nobody expects. */
    assertLog() {
        const { items } = this.lines;
        /* It looks for leaks when a process ends, longer than the host waits. */
        const slow = VALGRIND ? [/: worker \d+ .*is still starting/,
            /: worker \d+ .*does not end: killed/] : [];
        const expected = [...this.expected, ...slow];
        const report = items.find(({ text }) => SANITIZER.test(text));

        assert.ok(!report, `a sanitizer complains: ${report?.text}`);
        for (const { level, text } of items) {
            if ((level === 'warn' || level === 'error' || !level) &&
                !expected.some((pattern) => pattern.test(text))) {
                assert.fail(`nobody expects this in the log: ${text}`);
            }
        }
    }

    disconnect() {
        this.clients.forEach((client) =>
            (client.destroy ?? client.terminate).call(client));
        this.clients.clear();
    }

    /* After the tests, whatever became of them. */
    async finish() {
        try {
            if (!this.checked && !this.failed) {
                await this.stop();
            }
        } catch (error) {
            this.fail(error);
        } finally {
            this.disconnect();
            await this.kill();
            if (this.failed) {
                this.printLog();
            }
            fs.rmSync(this.dir, { recursive: true, force: true });
        }
    }

    async kill() {
        if (!this.child) {
            return;
        }
        for (const { pid } of processes.inSession(this.pid)) {
            try {
                process.kill(pid, 'SIGKILL');
            } catch {
                continue; /* it was faster */
            }
        }
        await within(this.silence, 'the end of a killed host');
    }

    fail(error) {
        this.failed = true;
        throw error;
    }

    printLog() {
        const log = this.lines?.items.map(({ text }) => `    ${text}\n`) ?? [];

        console.error(`\n${this.ini}:\n` +
            fs.readFileSync(this.ini, 'utf8').replace(/^/gm, '    ') +
            `\nits log (pid ${this.pid}):\n${log.slice(-200).join('')}`);
    }

    /* ---- its processes ------------------------------------------------ */

    /* The workers' processes, by their numbers. */
    workers() {
        const found = [];

        for (const { name, pid, state } of processes.childrenOf(this.pid)) {
            const number = /^patchbay-(\d+)$/.exec(name)?.[1];

            if (number !== undefined && state !== 'Z') {
                found[number] = pid;
            }
        }
        return found;
    }

    /* patchbay reload: its answer, which has to be a good one. */
    async reload() {
        const answer = await this.json('reload');

        assert.strictEqual(answer.ok, true, JSON.stringify(answer));
        return answer;
    }

    /* One that has to be refused: { code, stderr }. */
    async reloadFails(code = 3) {
        const answer = await this.command('reload');

        assert.strictEqual(answer.code, code, answer.stderr + answer.stdout);
        return answer;
    }

    /* Its log, from where it is now: for waitLog. */
    mark() {
        return this.lines.length;
    }

    waitLog(pattern, { from = 0, ms = SOON_MS } = {}) {
        return this.lines.find(({ text }) => pattern.test(text),
            `a line like ${pattern}`, { from, ms });
    }

    logged(pattern, from = 0) {
        return this.lines.items.slice(from)
            .filter(({ text }) => pattern.test(text));
    }

    /* ---- its clients -------------------------------------------------- */

    /* For net.connect; of which address: its index. */
    where(index = 0) {
        const address = this.addresses[index];

        if (address.startsWith('unix:')) {
            return { path: address.slice('unix:'.length) };
        }
        const [, host, port] = /^\[?([^\]]+)\]?:(\d+)$/.exec(address);

        return { host, port: Number(port) };
    }

    get port() {
        return this.where().port;
    }

    url(urlPath, { index = 0, scheme = 'ws' } = {}) {
        const { host, port, path: file } = this.where(index);

        return file ? `${scheme}+unix:${file}:${urlPath}`
            : `${scheme}://${host.includes(':') ? `[${host}]` : host}:` +
                `${port}${urlPath}`;
    }

    keep(client) {
        this.clients.add(client);
        return client;
    }

    async connect(urlPath, { index, scheme, ...options } = {}) {
        return this.keep(await Client.connect(
            this.url(urlPath, { index, scheme }), options));
    }

    /* The answer to a handshake that has to be refused. */
    refusal(urlPath, options) {
        return refusal(this.url(urlPath), options);
    }

    async raw({ index = 0, secure } = {}) {
        return this.keep(await RawSocket.connect(this.where(index), secure));
    }

    /* A raw connection with the handshake done. */
    async rawUpgrade(urlPath, headers) {
        return (await this.raw()).upgrade(urlPath, headers);
    }

    request(urlPath, { index, ...options } = {}) {
        const { path: socketPath, ...address } = this.where(index);

        return request({ ...address, ...socketPath && { socketPath } },
            urlPath, options);
    }

    async metrics() {
        return parseMetrics((await this.request('/-/metrics')).text);
    }

    /*
     * One client in each worker, by their numbers: connects until all are
     * reached. The path is one of the plugin `everything`.
     */
    async inEachWorker(urlPath, count, options) {
        const found = [];

        for (let tries = 0; found.filter(Boolean).length < count; tries++) {
            assert.ok(tries < 200, `not all of ${count} workers are reached`);
            const client = await this.connect(urlPath, options);
            const number = Number(await client.value('worker'));

            if (found[number]) {
                client.terminate();
                this.clients.delete(client);
            } else {
                found[number] = client;
            }
        }
        return found;
    }

    /* A command about this host: { code, stdout, stderr }. */
    command(name, ...args) {
        return runCommand([name, '-c', this.ini, ...args],
            { env: this.setup.env, cwd: this.dir });
    }

    async json(name, ...args) {
        const { code, stdout, stderr } =
            await this.command(name, '--json', ...args);

        assert.strictEqual(code, 0, stderr);
        return JSON.parse(stdout);
    }
}

module.exports = {
    BUILD, Host, PATCHBAY, PROGRAM, SANITIZER, SLOWNESS, pluginFile, runCommand,
};
