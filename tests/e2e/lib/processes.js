/* processes.js - what /proc tells of processes */
'use strict';

const fs = require('node:fs');

function read(file) {
    try {
        return fs.readFileSync(file, 'utf8');
    } catch {
        return null; /* it has ended */
    }
}

/* null if there is no such process. */
function describe(pid) {
    const stat = read(`/proc/${pid}/stat`);

    if (stat === null) {
        return null;
    }
    /* The name is in parentheses and may hold anything. */
    const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ');

    return {
        pid: Number(pid),
        name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
        state: rest[0],
        parent: Number(rest[1]),
        group: Number(rest[2]),
        session: Number(rest[3]),
    };
}

function all() {
    return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))
        .map(describe).filter(Boolean);
}

const childrenOf = (pid) => all().filter(({ parent }) => parent === pid);

const inSession = (session) =>
    all().filter((process) => process.session === session);

const isZombie = (process) => process.state === 'Z';

const text = (list) => list.map(({ pid, name, state }) =>
    `${name} (pid ${pid}, state ${state})`).join(', ');

module.exports = { describe, childrenOf, inSession, isZombie, text };
