/* cpu_time.js - how long a process has run */
'use strict';

const fs = require('node:fs');

/* Milliseconds, of all its threads, the kernel's work for it included. */
function cpuMs(pid) {
    const threads = fs.readdirSync(`/proc/${pid}/task`);
    const ns = threads.map((thread) => Number(fs.readFileSync(
        `/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]));

    return ns.reduce((sum, value) => sum + value, 0) / 1e6;
}

module.exports = { cpuMs };
