/* samples.js - what a host uses, minute by minute, and whether it stays level */
'use strict';

const fs = require('node:fs');

const KIB = /^(Rss|Private_Clean|Private_Dirty): +(\d+) kB$/gm;

/* { rss, own, files } of a process: KiB, and open descriptors. */
function usage(pid) {
    const sums = { rss: 0, own: 0 };
    const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');

    for (const [, name, kib] of text.matchAll(KIB)) {
        sums[name === 'Rss' ? 'rss' : 'own'] += Number(kib);
    }
    return { ...sums, files: fs.readdirSync(`/proc/${pid}/fd`).length };
}

/* How many streams from their siblings these processes have accepted. */
function busStreams(pids) {
    const accepted = new Set(fs.readFileSync('/proc/net/unix', 'utf8')
        .split('\n').map((line) => line.trim().split(/ +/))
        .filter(([, , , , , state, , name]) =>
            state === '03' && /\/bus[^/]*$/.test(name ?? ''))
        .map(([, , , , , , inode]) => `socket:[${inode}]`));
    const open = (pid) => fs.readdirSync(`/proc/${pid}/fd`).filter((fd) => {
        try {
            return accepted.has(fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
        } catch {
            return false; /* closed meanwhile */
        }
    }).length;

    return pids.reduce((sum, pid) => sum + open(pid), 0);
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
