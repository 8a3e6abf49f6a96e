/* cpus.js - a processor for the server and another for the generator */
'use strict';

const fs = require('node:fs');

/* "0-2,5" is 0, 1, 2, 5. */
function list(text) {
    return text.split(',').flatMap((range) => {
        const [first, last = first] = range.split('-').map(Number);

        return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/* As asked for, "2,3", or the last two this process may use: the first one
 * tends to have the machine's interrupts. */
function cpus(asked) {
    const status = fs.readFileSync('/proc/self/status', 'utf8');
    const allowed = list(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)[1]);
    const chosen = asked ? asked.split(',').map(Number) : allowed.slice(-2);

    if (chosen.length !== 2 || chosen[0] === chosen[1] ||
        !chosen.every((cpu) => allowed.includes(cpu))) {
        throw new Error('two processors are needed, of those allowed: ' +
            allowed.join(' '));
    }
    return { server: chosen[0], load: chosen[1] };
}

module.exports = { cpus };
