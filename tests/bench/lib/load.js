/* load.js - runs the load generator and reads its line */
'use strict';

const path = require('node:path');
const { spawn } = require('node:child_process');

/* "per_s=93173 mode=echo" is { per_s: 93173, mode: 'echo' }. */
function fields(line) {
    return Object.fromEntries(line.trim().split(' ').map((pair) => {
        const [key, value] = pair.split('=');

        return [key, Number.isNaN(Number(value)) ? value : Number(value)];
    }));
}

/* Resolves to { per_s: 93173, p50_us: 1021.5, ... }; rejects with what the
 * generator found wrong. */
function load(build, args, cpu, program = 'bench-load') {
    const command = [path.join(build, 'tests/bench', program), ...args];
    const pinned = cpu === undefined ? command
        : ['taskset', '-c', String(cpu), ...command];

    return new Promise((done, fail) => {
        const child = spawn(pinned[0], pinned.slice(1).map(String),
            { stdio: ['ignore', 'pipe', 'pipe'] });
        let out = '';
        let err = '';

        child.stdout.on('data', (text) => {
            out += text;
        });
        child.stderr.on('data', (text) => {
            err += text;
        });
        child.on('error', fail);
        child.on('close', (code) => {
            if (code !== 0) {
                fail(new Error(`${program} ${args.join(' ')}: ` +
                    (err.trim() || `exit ${code}`)));
                return;
            }
            done(fields(out));
        });
    });
}

module.exports = { fields, load };
