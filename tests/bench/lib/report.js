/* report.js - figures to Markdown */
'use strict';

const fs = require('node:fs');
const os = require('node:os');

const MEMORY_KEYS = ['per_conn', 'per_used_conn'];

function median(values) {
    const sorted = values.filter((value) => Number.isFinite(value))
        .sort((a, b) => a - b);
    const middle = sorted.length >> 1;

    if (sorted.length === 0) {
        return NaN;
    }
    return sorted.length % 2 ? sorted[middle]
        : (sorted[middle - 1] + sorted[middle]) / 2;
}

/* What this part of the values, 0 to 1, does not exceed. */
function quantile(values, part) {
    const sorted = [...values].sort((a, b) => a - b);

    return sorted.length ? sorted[Math.min(sorted.length - 1,
        Math.floor(sorted.length * part))] : NaN;
}

const whole = (value) => Number.isFinite(value)
    ? Math.round(value).toLocaleString('en-US') : '–';
const fixed = (value, digits) => Number.isFinite(value)
    ? value.toFixed(digits) : '–';

/* The median of one figure over the rounds. */
const figure = (rounds, key) =>
    median((rounds || []).map((round) => round ? round[key] : NaN));

/* The median of the rounds' ratios: only those of one round mean something,
 * since the machine's speed drifts. */
function ratio(rounds, to, key) {
    return median((rounds || []).map((round, i) =>
        round && to && to[i] ? round[key] / to[i][key] : NaN));
}

/* Whether the generator, not the server, was what limited the rate. */
const limited = (rounds) => figure(rounds, 'load_busy') > 0.9 &&
    figure(rounds, 'server_busy') < figure(rounds, 'load_busy') - 0.03;

/* The first columns, as many as texts says, are text; the rest are figures. */
function table(head, rows, texts = 1) {
    const line = (cells) => `| ${cells.join(' | ')} |`;

    return [line(head), line(head.map((_, i) => i < texts ? '---' : '--:')),
        ...rows.map(line), ''].join('\n');
}

function rates(cases, servers, results) {
    const rows = cases.filter((test) => !test.memory).map((test) => {
        const of = results[test.name];

        return [`**${test.name}** ${test.what}`, ...servers.map((server) => {
            const rounds = of[server.name];
            const cell = whole(figure(rounds, 'per_s')) +
                (limited(rounds) ? '\\*' : '');

            return server.name === 'uws' || !of.uws ? cell
                : `${cell} (${fixed(ratio(rounds, of.uws, 'per_s'), 2)})`;
        })];
    });

    return table(['per second', ...servers.map((s) => s.title)], rows);
}

function ours(cases, servers, results) {
    const name = 'patchbay';

    if (!servers.some((server) => server.name === name)) {
        return '';
    }
    const rows = cases.filter((test) => !test.memory).map((test) => {
        const of = results[test.name];
        const rounds = of[name];

        return [test.name, whole(figure(rounds, 'per_s')),
            fixed(ratio(rounds, of.uws, 'per_s'), 2),
            fixed(ratio(rounds, of.epoll, 'per_s'), 2),
            fixed(ratio(of.uws, rounds, 'server_us'), 2),
            fixed(ratio(of.epoll, rounds, 'server_us'), 2),
            whole(figure(rounds, 'p50_us')), whole(figure(rounds, 'p99_us'))];
    });

    return table(['patchbay', 'per second', '÷ uWebSockets', '÷ bare epoll',
        'per CPU second ÷ uWebSockets', '÷ bare epoll', 'median delay, µs',
        '99 %, µs'], rows);
}

/* What it costs to keep the last messages for crash reports. */
function kept(cases, servers, results) {
    if (!['patchbay', 'private'].every((name) =>
        servers.some((server) => server.name === name))) {
        return '';
    }
    const rows = cases.filter((test) => !test.memory).map((test) => {
        const { patchbay, private: without } = results[test.name];

        return [test.name, fixed(ratio(patchbay, without, 'per_s'), 3),
            fixed(ratio(patchbay, without, 'server_us'), 3)];
    });

    return table(['with last messages kept ÷ without', 'per second',
        'CPU time each'], rows);
}

function cost(cases, servers, results) {
    const rows = cases.filter((test) => !test.memory).map((test) =>
        [test.name, ...servers.map((server) =>
            fixed(figure(results[test.name][server.name], 'server_us'), 2))]);

    return table(['CPU µs each', ...servers.map((s) => s.title)], rows);
}

function memory(cases, servers, results) {
    const rows = cases.filter((test) => test.memory).flatMap((test) => [
        [test.what, ...servers.map((server) =>
            whole(figure(results[test.name][server.name], MEMORY_KEYS[0])))],
        ['after one message each way', ...servers.map((server) =>
            whole(figure(results[test.name][server.name], MEMORY_KEYS[1])))],
    ]);

    return rows.length
        ? table(['memory', ...servers.map((s) => s.title)], rows) : '';
}

function raw(cases, servers, results) {
    const lines = [];

    for (const test of cases) {
        for (const server of servers) {
            (results[test.name][server.name] || []).forEach((round, i) => {
                const pairs = round ? Object.entries(round)
                    .map(([key, value]) => `${key}=${value}`).join(' ')
                    : 'failed';

                lines.push(`${test.name} ${server.name} ${i + 1}: ${pairs}`);
            });
        }
    }
    return ['```', ...lines, '```', ''].join('\n');
}

function sysctl(name) {
    try {
        return fs.readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8')
            .trim();
    } catch {
        return 'unknown';
    }
}

/* One line on the machine. */
function machine() {
    return `${os.cpus()[0].model.trim()}, ${os.cpus().length} processors, ` +
        `Linux ${os.release()}, TCP ` +
        `${sysctl('net.ipv4.tcp_congestion_control')}, Node ` +
        process.versions.node;
}

/* The report of a run: tables, then every figure. */
function report(run) {
    const { cases, servers, results, notes } = run;

    return [
        '# The comparison', '',
        `${machine()}. ${run.when}. Server on processor ${run.cpus.server}, ` +
        `generator on ${run.cpus.load}; ${run.rounds} rounds of ` +
        `${run.seconds} s.`, '',
        'Medians of the rounds; in brackets the median of the ratio to ' +
        'uWebSockets in the same round. \\*: the generator was the limit, ' +
        'not the server.', '',
        rates(cases, servers, results),
        ours(cases, servers, results),
        kept(cases, servers, results),
        'What one message, delivery, handshake or request costs the server ' +
        'in CPU time, the kernel\'s included:', '',
        cost(cases, servers, results),
        memory(cases, servers, results),
        ...notes.map((note) => `* ${note}`), '',
        '## Every figure', '', raw(cases, servers, results),
    ].join('\n');
}

module.exports = { figure, fixed, machine, median, quantile, ratio, report,
    table, whole };
