/* suite.js - tests that share a host */
'use strict';

const { describe, it, before, after } = require('node:test');
const { Host } = require('./host.js');

/*
 * body gets the host, started before its tests and checked after them, and
 * `it`, which makes the host's log appear when a test fails.
 */
function suite(name, setup, body) {
    const { start = true, concurrency = false, ...rest } = setup;

    describe(name, { concurrency }, () => {
        const host = new Host(rest);
        const checked = (title, run) => it(title, async () => {
            try {
                await run();
            } catch (error) {
                host.failed = true;
                throw error;
            }
        });

        before(async () => {
            if (start) {
                await host.start();
            }
        });
        after(() => host.finish());
        body({ host, it: checked });
    });
}

/* A host for one test: started, and checked at the end. */
async function withHost(setup, run) {
    const host = new Host(setup);

    try {
        if (setup.start !== false) {
            await host.start();
        }
        await run(host);
    } catch (error) {
        host.failed = true;
        throw error;
    } finally {
        await host.finish();
    }
}

module.exports = { suite, withHost };
