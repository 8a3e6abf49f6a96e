/* suite.js - browser tests that share a host and a browser */
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { after, before } = require('node:test');
const { BUILD } = require('../../e2e/lib/host.js');
const { suite } = require('../../e2e/lib/suite.js');
const { Visitor, launch, needChromium } = require('./browser.js');

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
 * As the suite of the end-to-end tests; each test gets a function that makes a
 * visitor of the host's pages. Visitors are gone after the test, and must not
 * have met any problem.
 */
function browserSuite(name, setup, body) {
    needChromium();
    suite(name, setup, ({ host, it }) => {
        let browser;

        before(async () => {
            browser = await launch();
        });
        after(() => browser?.close());

        const visited = (title, run) => it(title, async () => {
            const visitors = [];
            const visit = async (options) => {
                visitors.push(await Visitor.create(browser,
                    `http://localhost:${host.port}`, options));
                return visitors.at(-1);
            };
            let picture = title.replaceAll(/\W+/g, '-');

            try {
                await run(visit);
                visitors.forEach((visitor) => visitor.assertContent());
                picture = undefined;
            } finally {
                for (const visitor of visitors) {
                    await visitor.close({ picture });
                }
            }
        });

        body({ host, it: visited });
    });
}

module.exports = { DEMO, browserSuite };
