/* watch.test.js - [server] watch = yes: changes are taken up by themselves */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { pluginFile } = require('./lib/host.js');
const { suite } = require('./lib/suite.js');

const SETUP = {
    server: { workers: 2, watch: 'yes' },
    routes: { one: { path: '/one', plugin: 'phase' } },
    expected: [/reload: refused/, /lisen/, /is not taken up/],
};

/* As an editor does: another file, renamed into place. */
function save(host, text) {
    fs.writeFileSync(`${host.ini}~`, text);
    fs.renameSync(`${host.ini}~`, host.ini);
}

suite('watch', SETUP, ({ host, it }) => {
    it('takes up a plugin that is replaced', async () => {
        const client = await host.connect('/one');
        const from = host.mark();

        host.replacePlugin('phase', 'phase_2');
        await host.waitLog(/plugin phase: swapped, 1 connection kept/,
            { from });
        assert.strictEqual(await client.ask('count'), '2 1');
        await client.close(1000);
    });

    it('takes up a plugin that is written where it lies', async () => {
        const client = await host.connect('/one');
        const from = host.mark();
        const file = path.join(host.pluginDir, 'phase.so');

        fs.copyFileSync(pluginFile('phase'), file);
        await host.waitLog(/plugin phase: swapped/, { from });
        assert.strictEqual(await client.ask('count'), '1 1');
        await client.close(1000);
    });

    it('takes up the file, from an editor and over and over', async () => {
        const good = fs.readFileSync(host.ini, 'utf8');

        for (const name of ['a', 'b']) {
            const from = host.mark();

            save(host, `${good}\n[route.${name}]\npath = /${name}\n` +
                'plugin = phase\n');
            await host.waitLog(
                new RegExp(`route\\.${name}\\] plugin phase: added`), { from });
            await (await host.connect(`/${name}`)).close(1000);
        }
        const from = host.mark();

        save(host, good);
        await host.waitLog(/route\.b\] plugin phase: removed/, { from });
    });

    it('says once what is broken, and goes on', async () => {
        const client = await host.connect('/one');
        const from = host.mark();
        const half = fs.readFileSync(pluginFile('phase_2')).subarray(0, 4000);

        host.replacePlugin('phase', half);
        await host.waitLog(/phase\.so .*is not taken up/, { from });
        assert.strictEqual(await client.ask('count'), '1 1');
        host.replacePlugin('phase', 'phase_2');
        await host.waitLog(/plugin phase: swapped/, { from });
        assert.strictEqual(await client.ask('count'), '2 2');
        assert.strictEqual(host.logged(/is not taken up/, from).length, 1);
        await client.close(1000);
    });

    it('refuses a wrong file, once', async () => {
        const good = fs.readFileSync(host.ini, 'utf8');
        const from = host.mark();

        save(host, good.replace('[server]', '[server]\nlisen = x'));
        await host.waitLog(/lisen: unknown key/, { from });
        const later = host.mark();

        save(host, `${good}\n[route.c]\npath = /c\nplugin = phase\n`);
        await host.waitLog(/route\.c\] plugin phase: added/, { from: later });
        assert.strictEqual(host.logged(/reload: refused/, from).length, 1);
        save(host, good);
        await host.waitLog(/route\.c\] plugin phase: removed/,
            { from: later });
    });

    it('is switched off', async () => {
        const good = fs.readFileSync(host.ini, 'utf8');
        const from = host.mark();

        save(host, good.replace('watch = yes', 'watch = no'));
        await host.waitLog(/master: reloaded/, { from });
        const later = host.mark();

        save(host, good);
        /* Nobody looks: what comes next is what was asked for. */
        assert.strictEqual((await host.reload()).ok, true);
        await host.waitLog(/master: reloaded/, { from: later });
        assert.strictEqual(host.logged(/master: reloaded/, later).length, 1);
    });
});
