/* fault.js - faults, one after another, and the table of what they did */
'use strict';

const { monitorEventLoopDelay } = require('node:perf_hooks');
const { Host } = require('../../e2e/lib/host.js');
const { Load } = require('./load.js');

const ROUTES = { every: { path: '/every', plugin: 'everything' } };

/* [column, of a row] */
const COLUMNS = [
    ['fault', (row) => row.name],
    ['what was done', (row) => row.done],
    ['load', ({ load }) => load
        ? `${load.connections} connections, ${load.messages} messages` : '-'],
    ['broken', ({ load }) => load ? `${load.broken}` : '-'],
    ['lost / doubled / reordered for the others', ({ load }) => load
        ? `${load.lost} / ${load.doubled} / ${load.reordered}` : '-'],
    ['recovery', (row) => row.recovery ?? '-'],
    ['observed', (row) => row.seen ?? ''],
];

const HEAD = [`| ${COLUMNS.map(([title]) => title).join(' | ')} |`,
    `|${COLUMNS.map(() => '---').join('|')}|`].join('\n');

const rowText = (row) =>
    `| ${COLUMNS.map(([, text]) => text(row)).join(' | ')} |`;

/* For a fault that this place does not allow to make. */
class NotHere extends Error {}

const faults = [];

/*
 * name: what is broken. setup: of its host (see e2e/lib/host.js), with two
 * workers and the route /every. run({ host, full, row, load }) makes the fault,
 * asserts what has to hold, and fills in row: done, recovery, seen. What load()
 * has started is finished and judged here.
 */
function fault(name, setup, run) {
    faults.push({ name, setup, run });
}

function judge(row, results) {
    const total = { connections: 0, broken: 0, messages: 0, lost: 0,
        doubled: 0, reordered: 0, wrong: 0 };

    for (const result of results) {
        for (const key of Object.keys(total)) {
            total[key] += result[key];
        }
    }
    if (results.length > 0) {
        row.load = total;
    }
    for (const key of ['lost', 'doubled', 'reordered', 'wrong']) {
        if (total[key] > 0) {
            throw new Error(`${total[key]} messages ${key}`);
        }
    }
}

async function attempt({ name, setup, run }, full) {
    const row = { name, done: '' };
    const settled = typeof setup === 'function' ? setup(full) : setup;
    const host = new Host({ routes: ROUTES, ...settled,
        server: { workers: 2, ...settled.server } });
    const loads = [];
    const start = performance.now();
    /* How late this process itself was: a machine that is too busy. */
    const lag = monitorEventLoopDelay({ resolution: 5 });

    lag.enable();

    try {
        if (settled.start !== false) {
            await host.start();
        }
        await run({
            host, full, row,
            load: async (count, options) => {
                const load = await Load.start(host, count, options);

                loads.push(load);
                return load;
            },
        });
        const results = [];

        for (const load of loads) {
            results.push(await load.finish());
        }
        judge(row, results);
        if (!host.checked) {
            await host.stop();
        }
    } catch (error) {
        if (error instanceof NotHere) {
            row.skipped = error.message;
            host.checked = true;
        } else {
            row.failed = error;
            host.failed = true;
        }
    } finally {
        await host.finish().catch((error) => {
            row.failed ??= error;
        });
    }
    lag.disable();
    row.lag = lag.max / 1e6;
    row.ms = performance.now() - start;
    return row;
}

function tableText(rows) {
    const lines = rows.map((row) => row.skipped
        ? `| ${row.name} | not here: ${row.skipped} |`
        : rowText(row) + (row.failed ? ` FAILED: ${row.failed.message}` : ''));

    return ['', HEAD, ...lines].join('\n');
}

/* Makes those whose name the pattern fits; their number that failed. */
async function runFaults({ pattern, full, json }) {
    const rows = [];

    for (const each of faults.filter(({ name }) => pattern.test(name))) {
        const row = await attempt(each, full);

        rows.push(row);
        console.error(`${row.failed ? 'FAILED ' : row.skipped ? 'skipped'
            : 'ok     '} ${each.name} (${(row.ms / 1000).toFixed(1)} s)` +
            `${row.skipped ? `: ${row.skipped}` : ''}`);
        if (row.failed) {
            console.error(row.failed.stack);
            console.error(`the clients were up to ${ms(row.lag)} late`);
        }
    }
    console.log(json ? JSON.stringify(rows) : tableText(rows));
    return rows.length === 0 ? 1 : rows.filter(({ failed }) => failed).length;
}

const ms = (number) => number < 10 ? `${number.toFixed(1)} ms`
    : number < 10000 ? `${Math.round(number)} ms`
        : `${(number / 1000).toFixed(1)} s`;

/* "echoes 0.4 / 2.1 / 12 ms": p50, p99 and the longest of a lap. */
const lapText = ({ p50, p99, max }) =>
    `${p50.toFixed(1)} / ${p99.toFixed(1)} / ${max.toFixed(0)} ms`;

module.exports = { NotHere, ROUTES, fault, lapText, ms, runFaults };
