/* crowd_cases.js - what tests/bench/cluster measures, and on what */
'use strict';

/*
 * A setup is hosts of workers each, or processes of socket.io; more than one
 * host, or process, share a Redis. beside: the setup of socket.io that does the
 * same.
 */
const SETUPS = [
    { name: 'w1', title: '1 worker', hosts: 1, workers: 1, beside: 'sio1' },
    { name: 'w2', title: '2 workers', hosts: 1, workers: 2, beside: 'sio2' },
    { name: 'w4', title: '4 workers', hosts: 1, workers: 4, beside: 'sio4' },
    { name: 'h2', title: '2 hosts of 1 worker, Redis', hosts: 2, workers: 1,
        beside: 'sio2' },
    { name: 'h2w2', title: '2 hosts of 2 workers, Redis', hosts: 2, workers: 2,
        beside: 'sio4' },
    { name: 'h4w2', title: '4 hosts of 2 workers, Redis', hosts: 4, workers: 2,
        asked: true },
    { name: 'sio1', title: 'socket.io, 1 process', processes: 1 },
    { name: 'sio2', title: 'socket.io, 2 processes, Redis', processes: 2 },
    { name: 'sio4', title: 'socket.io, 4 processes, Redis', processes: 4 },
];

const GROWING = ['w2', 'h2', 'sio2'];
const OURS = SETUPS.filter(({ hosts, asked }) => hosts && !asked)
    .map(({ name }) => name);
const rooms = (flight, ...more) => ['publish', '-c', 1000, '-t', 100, '-n',
    Math.min(flight, 8), '-f', flight, ...more];
const fan = (subscribers) => ({
    name: `fan${subscribers}`, group: 'fan', on: GROWING,
    what: `1 topic, ${subscribers.toLocaleString('en-US')} subscriber${
        subscribers > 1 ? 's' : ''}`,
    args: ['publish', '-c', subscribers, '-f', 1],
});
const spread = (name, what, ...more) => ({
    name, what, group: 'spread', on: ['h2', 'h2w2', 'h4w2'],
    args: ['publish', '-c', 80, '-n', 16, '-f', 256, ...more],
});
const topics = (each) => ({
    name: `topics${each}k`, group: 'topics', on: GROWING,
    what: `${each},000 topics, 1 subscriber each`,
    args: ['publish', '-c', 1000, '-k', each, '-t', each * 1000, '-n', 8, '-f',
        16],
});

/* on: only those setups; else all, but those that have to be asked for. */
const CASES = [
    { name: 'rooms', what: '100 topics, 10 subscribers each, 16 messages on ' +
        'their way', args: rooms(16) },
    { name: 'alone', what: 'the same, 1 message on its way', args: rooms(1) },
    { name: 'kept', what: 'as rooms, with history = 100', on: OURS,
        args: rooms(16, '-u', '/kept') },
    fan(1), fan(10), fan(100), fan(1000),
    { ...fan(10000), on: undefined },
    topics(1), topics(10), { ...topics(100), on: undefined },
    spread('spread', '1 topic, 80 subscribers, 256 messages on their way'),
    spread('spreadkept', 'the same with history = 100', '-u', '/kept'),
    { name: 'presence', what: '10,000 members of one topic',
        args: ['presence', '-c', 10000, '-f', 16, '-b', 32],
        on: ['w1', 'w2', 'h2', 'h2w2'] },
    { name: 'members', what: '1,000 members of one topic',
        args: ['presence', '-c', 1000, '-f', 16, '-b', 32],
        on: ['w1', 'w2', 'h2', 'h2w2', 'sio2'] },
];

module.exports = { CASES, SETUPS };
