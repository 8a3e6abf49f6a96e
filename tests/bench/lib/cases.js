/* cases.js - what is measured */
'use strict';

const KIB = 1024;

/* echo: connections, messages in flight on each, bytes of a message. */
const echo = (conns, flight, bytes) =>
    ['echo', '-c', conns, '-f', flight, '-b', bytes];

const CASES = [
    { name: 'e100', args: echo(100, 1, 20),
        what: 'echo, 100 connections, 1 message of 20 B in flight each' },
    { name: 'p16', args: echo(100, 16, 20),
        what: 'echo, 100 connections, 16 messages of 20 B in flight each' },
    { name: 'fan', args: ['fan', '-c', 1000, '-f', 1],
        what: 'fan-out to 1,000 subscribers, deliveries' },
    { name: 'fan16', args: ['fan', '-c', 1000, '-f', 16],
        what: 'the same, 16 messages on their way' },
    { name: 'e1000', args: echo(1000, 1, 20),
        what: 'echo, 1,000 connections' },
    { name: 'e100-1k', args: echo(100, 1, KIB), what: 'echo, 1 KiB' },
    { name: 'e100-16k', args: echo(100, 1, 16 * KIB), what: 'echo, 16 KiB' },
    { name: 'p16-16k', args: echo(100, 16, 16 * KIB),
        what: 'echo, 16 KiB, 16 in flight' },
    { name: 'handshake', args: ['handshake', '-c', 50],
        what: 'connect, upgrade, close' },
    { name: 'get', args: ['get', '-c', 100],
        what: 'plain HTTP GET, keep-alive' },
    { name: 'memory', args: ['idle', '-c', 10000], memory: true,
        what: 'bytes of userland memory per idle connection, of 10,000' },
];

module.exports = { CASES };
