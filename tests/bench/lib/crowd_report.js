/* crowd_report.js - figures of tests/bench/cluster to Markdown */
'use strict';

const { figure, fixed, machine, ratio, table, whole } =
    require('./report.js');

const digits = (value) => value >= 1000 || value === 0 ? whole(value)
    : fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0);

/* Of the results of a case by setup, those of the setup of socket.io that does
 * the same, or undefined. */
const beside = (of, setup) => setup.beside ? of[setup.beside] : undefined;

function throughput({ setups, results }) {
    const { rooms, alone = {} } = results;

    if (!rooms) {
        return '';
    }
    const rows = setups.filter(({ name }) => rooms[name]).map((setup) => {
        const of = rooms[setup.name];

        return [setup.title, whole(figure(of, 'per_s')),
            ...['p50_us', 'p99_us'].map((key) => whole(figure(of, key))),
            ...['p50_us', 'p99_us'].map((key) =>
                whole(figure(alone[setup.name], key))),
            digits(figure(of, 'publish_us')),
            digits(figure(of, 'redis_publish_us')),
            digits(figure(of, 'delivery_us')),
            fixed(ratio(beside(rooms, setup), of, 'publish_us'), 1)];
    });

    return table(['100 topics, 10 subscribers each', 'deliveries a second',
        'p50, µs', 'p99, µs', 'alone: p50, µs', 'p99, µs',
        'CPU µs a publish', 'of them Redis', 'CPU µs a delivery',
        'socket.io ÷ it'], rows);
}

/* One row for each case, one column for each setup that had any of them. */
function costs({ cases, setups, results }, pick, key, head) {
    const of = cases.filter((test) => pick(test) && results[test.name]);
    const columns = setups.filter(({ name }) =>
        of.some((test) => results[test.name][name]));

    if (!of.length) {
        return '';
    }
    return table([head, ...columns.map(({ title }) => title)],
        of.map((test) => [test.what, ...columns.map((setup) => {
            const rounds = results[test.name][setup.name];
            const other = beside(results[test.name], setup);
            const times = other && rounds
                ? ` (${fixed(ratio(other, rounds, key), 1)})` : '';

            return rounds ? digits(figure(rounds, key)) + times : '';
        })]));
}

function kept({ setups, results }) {
    if (!results.kept || !results.rooms) {
        return '';
    }
    const rows = setups.filter(({ name }) => results.kept[name]).map(
        (setup) => {
            const with_ = results.kept[setup.name];
            const without = results.rooms[setup.name];

            return [setup.title, whole(figure(with_, 'per_s')),
                digits(figure(with_, 'publish_us')),
                digits(figure(with_, 'redis_publish_us')),
                fixed(ratio(with_, without, 'publish_us'), 2),
                fixed(ratio(with_, without, 'p50_us'), 2)];
        });

    return table(['as above, with history = 100', 'deliveries a second',
        'CPU µs a publish', 'of them Redis', 'CPU ÷ without',
        'p50 ÷ without'], rows);
}

function presence({ cases, setups, results }) {
    const of = cases.filter((test) =>
        test.args[0] === 'presence' && results[test.name]);
    const sum = (rounds, act) => rounds.map((round) => round &&
        ({ us: round[`${act}_us`] + round[`${act}_redis_us`] }));
    const rows = of.flatMap((test) => setups
        .filter(({ name }) => results[test.name][name])
        .map((setup) => {
            const rounds = results[test.name][setup.name];

            return [test.what, setup.title,
                ...['join', 'change', 'leave', 'list'].map((act) =>
                    digits(figure(sum(rounds, act), 'us'))),
                digits(figure(rounds, 'change_redis_us')),
                whole(figure(rounds, 'list_bytes')),
                whole(figure(rounds, 'per_member'))];
        }));

    return rows.length ? table(['members', 'on', 'CPU µs a join', 'a change',
        'a leave', 'a list', 'Redis, of a change', 'bytes of a list',
        'bytes of memory a member, all workers'], rows, 2) : '';
}

function raw({ cases, results }) {
    const lines = cases.flatMap((test) =>
        Object.entries(results[test.name] ?? {}).flatMap(([setup, rounds]) =>
            rounds.map((round, i) => `${test.name} ${setup} ${i + 1}: ` +
                (round ? Object.entries(round)
                    .map(([key, value]) => `${key}=${value}`).join(' ')
                    : 'failed'))));

    return ['```', ...lines, '```', ''].join('\n');
}

function crowdReport(run) {
    const growing = (test) => ['fan', 'topics'].includes(test.group);
    const spread = (test) => test.group === 'spread';

    const tables = [
        throughput(run), kept(run),
        costs(run, growing, 'publish_us', 'CPU µs a publish'),
        costs(run, growing, 'redis_publish_us', 'of them Redis'),
        costs(run, growing, 'delivery_us', 'CPU µs a delivery'),
        costs(run, growing, 'p50_us', 'median delay, µs'),
        costs(run, growing, 'p99_us', '99 %, µs'),
        costs(run, growing, 'memory', 'bytes of memory, all hosts'),
        costs(run, spread, 'publish_us', 'more workers: CPU µs a publish'),
        costs(run, spread, 'redis_publish_us', 'of them Redis'),
        presence(run),
    ];

    return [
        '# Several workers and hosts', '',
        `${machine()}. ${run.when}. Hosts and Redis on processor ` +
        `${run.cpus.server}, generator on ${run.cpus.load}; ${run.rounds} ` +
        `rounds of ${run.seconds} s. Messages of 64 bytes.`, '',
        'Medians of the rounds; in brackets how many times as much socket.io ' +
        'takes with as many processes, the median of the ratio in the same ' +
        'round. CPU time is that of all hosts and Redis, the kernel\'s ' +
        'included. Each round warms up for as long as it counts, ' +
        'on socket.io five times as long.', '',
        ...tables.filter((text) => text !== ''),
        ...run.notes.map((note) => `* ${note}`), '',
        '## Every figure', '', raw(run),
    ].join('\n');
}

module.exports = { crowdReport };
