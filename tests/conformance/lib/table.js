/* table.js - all cases, in order, each number once */
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const DIR = path.join(__dirname, '../cases');

/* "2.10" comes behind "2.9". */
function compare(one, other) {
    const [a, b] = [one, other].map((id) => id.split('.').map(Number));

    for (let i = 0; i < Math.max(a.length, b.length); i++) {
        if (a[i] !== b[i]) {
            return (a[i] ?? -1) - (b[i] ?? -1);
        }
    }
    return 0;
}

const SECTIONS = fs.readdirSync(DIR).sort()
    .map((file) => require(path.join(DIR, file)));

function check() {
    const seen = new Set();

    for (const { number, cases } of SECTIONS) {
        for (const { id, says, steps } of cases) {
            if (seen.has(id) || !id.startsWith(`${number}.`) || !says ||
                !steps) {
                throw new Error(`case ${id} is there twice, or not whole`);
            }
            seen.add(id);
        }
        cases.sort((one, other) => compare(one.id, other.id));
    }
}

check();

/* Those that "6.*,7.1.1" names, and that fit a server with compression or
 * without it. */
function select({ patterns = ['*'], compress = false } = {}) {
    const wanted = patterns.map((pattern) => new RegExp(`^${pattern
        .replaceAll('.', '\\.').replaceAll('*', '.*')}$`));

    return SECTIONS.flatMap(({ cases }) => cases).filter(({ id, needs }) =>
        wanted.some((pattern) => pattern.test(id)) &&
        (!needs || (needs === 'deflate') === compress));
}

module.exports = { SECTIONS, select };
