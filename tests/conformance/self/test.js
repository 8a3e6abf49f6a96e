/* test.js - the cases themselves, against a server that is right, and against
 * servers that are wrong in one way each */
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { playAll } = require('../lib/play.js');
const { bySection, markdown, text } = require('../lib/report.js');
const { SECTIONS, select } = require('../lib/table.js');
const { serve } = require('./server.js');

async function against(setup, patterns) {
    const server = { ...await serve(setup), patience: setup.patience };
    const cases = select({ patterns, compress: setup.compress });

    try {
        assert.ok(cases.length > 0, `no case is ${patterns}`);
        return await playAll(cases, server);
    } finally {
        server.stop();
    }
}

const show = (results) => results.map(({ id, verdict, why }) =>
    `${id} ${verdict} ${why}`).join('\n');

/* What these servers do not do will not come. */
const PATIENCE_MS = 1500;

/* fault: [cases that find it, the verdict they come to, with compression]. */
const FAULTS = {
    'changes a byte': ['1.2.6,9.2.1,10.1.1', 'FAILED'],
    'drops empty messages': ['1.1.1,6.1.1,6.1.2,9.7.1', 'FAILED'],
    'long answers': ['1.1.2,7.1.1', 'FAILED'],
    'masks': ['1.1.2,7.1.1', 'FAILED'],
    'answers the last ping': ['2.10,2.17,5.20,14.5.7', 'FAILED'],
    'empty pongs': ['2.2,2.6,5.6', 'FAILED'],
    'answers pongs': ['2.7,2.8,2.9', 'FAILED'],
    'any reserved bits': ['3.1,3.2,3.6,3.7,3.8.*,3.10.*,3.14.*,15.1.12',
        'FAILED'],
    'any opcode': ['4.1.1,4.1.3,4.2.2,4.3.*,4.4.*', 'FAILED'],
    'any control frame': ['2.5,2.15,5.1,5.24,7.3.6', 'FAILED'],
    'any order': ['5.9,5.12,5.18,5.21', 'FAILED'],
    'any text': ['6.3.1,6.8.*,6.12.*,6.17.*,6.20.*,6.26.*', 'FAILED'],
    'late about text': ['6.3.2,6.4.*,6.24.1,6.25.1,6.27.1', 'NON-STRICT'],
    'any Close': ['7.3.2,7.5.*,7.9.*,7.10.*,7.13.*', 'FAILED'],
    'answers 1000': ['7.7.2,7.7.10,7.7.14,7.11.1', 'FAILED'],
    'goes on after a Close': ['7.1.2,7.1.3,7.1.4', 'FAILED'],
    'no Close': ['3.1,4.1.1,5.9,6.3.1,14.1.1', 'NON-STRICT'],
    'always 1002': ['6.3.1,7.5.1,14.3.2', 'FAILED'],
    'no masks': ['14.1.1,14.1.4,14.1.13,14.1.19', 'FAILED'],
    'long lengths': ['14.2.1,14.2.6', 'FAILED'],
    'no limit': ['14.3.2,14.3.5', 'FAILED'],
    'any handshake': ['16.3.1,16.4.1,16.5.1,16.6.1,16.7.1', 'FAILED'],
    'any offer': ['13.12.*,13.14.*', 'FAILED', true],
    'any window': ['13.8.1,13.8.2', 'FAILED', true],
};

describe('a server that is right', { concurrency: 1 }, () => {
    for (const [compress, patterns] of [[false, ['*']],
        [true, ['2.*', '3.*', '12.*', '13.*', '15.*']]]) {
        it(`passes all cases, compress ${compress}`, async () => {
            const results = await against({ compress }, patterns);
            const wrong = results.filter(({ verdict }) => verdict !== 'OK');

            assert.strictEqual(show(wrong), '');
            const parts = bySection(SECTIONS, results);

            for (const report of [text('x', parts, { all: true }),
                markdown('x', parts)]) {
                results.forEach(({ id }) => assert.match(report,
                    new RegExp(`^(\\| )?${id.replaceAll('.', '\\.')} `, 'm')));
            }
        });
    }
});

describe('a server that', { concurrency: 4 }, () => {
    for (const [fault, [patterns, verdict, compress = false]] of
        Object.entries(FAULTS)) {
        it(`${fault} does not pass`, async () => {
            const results = await against({ compress, faults: [fault],
                patience: PATIENCE_MS }, patterns.split(','));

            assert.strictEqual(show(results.filter((each) =>
                each.verdict !== verdict)), '');
        });
    }
});

describe('the table', () => {
    it('has each number once, and a sentence for each', () => {
        const all = SECTIONS.flatMap(({ cases }) => cases);

        assert.strictEqual(new Set(all.map(({ id }) => id)).size, all.length);
        for (const { id, says } of all) {
            assert.match(says, / .*[.)]$/s, id);
        }
    });
});
