/* suite.js - browser tests that share a host and a browser */
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { after, before } = require('node:test');
const { BUILD } = require('../../e2e/lib/host.js');
const { cluster } = require('../../e2e/lib/cluster.js');
const { suite } = require('../../e2e/lib/suite.js');
const { Visitor, launch, needChromium } = require('./browser.js');
const { Cable } = require('./cable.js');

const ETC = path.join(__dirname, '../../../etc');

/* The demo as it is shipped, but for what is of this machine. */
const DEMO = {
    ini: () => Object.entries({
        listen: 'localhost:0',
        workers: '2\ndrain = 5s',
        plugin_dir: path.join(BUILD, 'plugins'),
        run_dir: 'run',
        root: path.join(ETC, 'www'),
    }).reduce((text, [key, value]) =>
        text.replace(new RegExp(`^${key} *=.*$`, 'm'), `${key} = ${value}`),
    fs.readFileSync(path.join(ETC, 'patchbay.ini'), 'utf8')),
};

/*
 * `it` for tests that get a function that makes a visitor of a host's pages,
 * and one for a visitor whose cable can be cut. Visitors are gone after the
 * test, and must not have met any problem.
 */
function withVisitors(it, firstHost) {
    let browser;

    before(async () => {
        browser = await launch();
    });
    after(() => browser?.close());

    return (title, run) => it(title, async () => {
        const visitors = [];
        const cables = [];
        const visit = async ({ host = firstHost(), base, ...options } = {}) => {
            visitors.push(await Visitor.create(browser,
                base ?? `http://localhost:${host.port}`, options));
            return visitors.at(-1);
        };
        const wired = async ({ host = firstHost(), ...options } = {}) => {
            const cable = await Cable.create(host);

            cables.push(cable);
            return { cable,
                visitor: await visit({ base: cable.base, ...options }) };
        };
        let picture = title.replaceAll(/\W+/g, '-');

        try {
            await run(visit, wired);
            visitors.forEach((visitor) => visitor.assertContent());
            picture = undefined;
        } finally {
            for (const visitor of visitors) {
                await visitor.close({ picture });
            }
            cables.forEach((cable) => cable.close());
        }
    });
}

/* As the suite of the end-to-end tests, with visitors. */
function browserSuite(name, setup, body) {
    needChromium();
    suite(name, setup, ({ host, it }) => {
        body({ host, it: withVisitors(it, () => host) });
    });
}

/* The chat and its page on several hosts with one Redis. */
function clusterSuite(name, setup, body) {
    needChromium();
    cluster(name, {
        hosts: [1, 2].map(() => ({
            routes: { chat: { path: '/chat', plugin: 'chat', history: 100 } },
            http: { root: path.join(ETC, 'www') },
            ...setup,
        })),
    }, ({ hosts, it, ...rest }) => {
        body({ hosts, it: withVisitors(it, () => hosts[0]), ...rest });
    });
}

module.exports = { DEMO, browserSuite, clusterSuite };
