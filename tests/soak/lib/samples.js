/* samples.js - what a host uses, minute by minute, and whether it stays level */
'use strict';

const fs = require('node:fs');

const KIB = /^(Rss|Private_Clean|Private_Dirty): +(\d+) kB$/gm;
const LISTENING = '0A'; /* TCP_LISTEN of the kernel's */

/* The fields of each line of a table in /proc/net. */
const table = (name) => fs.readFileSync(`/proc/net/${name}`, 'utf8')
    .split('\n').slice(1).map((line) => line.trim().split(/ +/));

const inode = (number) => `socket:[${number}]`;

/* What the descriptors of a process are: "socket:[123]", "/dev/null". */
const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
        return [fs.readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
        return []; /* closed meanwhile */
    }
});

/*
 * { rss, own, files, fixed } of a process: KiB, open descriptors, and how many
 * of these are no connections of clients, which come and go as they like.
 */
function usage(pid) {
    const sums = { rss: 0, own: 0 };
    const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const files = descriptors(pid);
    const clients = new Set([...table('tcp'), ...table('tcp6')]
        .filter(([, , , state]) => state !== LISTENING)
        .map((fields) => inode(fields[9])));

    for (const [, name, kib] of text.matchAll(KIB)) {
        sums[name === 'Rss' ? 'rss' : 'own'] += Number(kib);
    }
    return { ...sums, files: files.length,
        fixed: files.filter((file) => !clients.has(file)).length };
}

/* How many streams from their siblings these processes have accepted. */
function busStreams(pids) {
    const accepted = new Set(table('unix')
        .filter(([, , , , , state, , name]) =>
            state === '03' && /\/bus[^/]*$/.test(name ?? ''))
        .map(([, , , , , , number]) => inode(number)));

    return pids.reduce((sum, pid) => sum + descriptors(pid)
        .filter((file) => accepted.has(file)).length, 0);
}

const median = (list) => {
    const sorted = [...list].sort((a, b) => a - b);

    return sorted[sorted.length >> 1] ?? 0;
};

/* Of the numbers, as if they lay on a line: how much it rises from the first to
 * the last (least squares). */
function rise(list) {
    const middle = (list.length - 1) / 2;
    const mean = list.reduce((a, b) => a + b, 0) / list.length;
    let up = 0;
    let across = 0;

    list.forEach((value, i) => {
        up += (i - middle) * (value - mean);
        across += (i - middle) ** 2;
    });
    return across === 0 ? 0 : up / across * (list.length - 1);
}

/* [the first third, the last third] */
const ends = (list) => {
    const third = Math.max(1, Math.trunc(list.length / 3));

    return [list.slice(0, third), list.slice(-third)];
};

module.exports = { busStreams, ends, median, rise, usage };
