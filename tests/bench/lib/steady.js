/* steady.js - runs bench-load steady, which goes on until it is told to end */
'use strict';

const path = require('node:path');
const readline = require('node:readline');
const { spawn } = require('node:child_process');
const { fields } = require('./load.js');

/* Nothing that was started outlives this process. */
const running = new Set();

process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/*
 * Resolves, once all connections are open, to { phase, end }. phase(version)
 * resolves to the delays since the last phase: what is sent from then on has
 * to be answered by that version or a later one. end() resolves to the whole,
 * { wrong, said, sent, drops, lost, ... }.
 */
function steady(build, args, cpu) {
    const command = [path.join(build, 'tests/bench/bench-load'), 'steady',
        ...args.map(String)];
    const pinned = cpu === undefined ? command
        : ['taskset', '-c', String(cpu), ...command];
    const child = spawn(pinned[0], pinned.slice(1));
    const lines = [];
    const waiting = [];
    let said = '';
    let over = false;

    running.add(child);
    child.stdin.on('error', () => {}); /* it ended: that is told below */
    child.stderr.on('data', (text) => {
        said = (said + text).slice(0, 4000);
    });
    const exit = new Promise((done, fail) => {
        child.on('error', fail);
        child.on('close', (code) => {
            running.delete(child);
            over = true;
            waiting.splice(0).forEach(({ fail: give }) => give(
                new Error(`bench-load steady: ${said.trim() || code}`)));
            done(code);
        });
    });

    readline.createInterface({ input: child.stdout }).on('line', (line) =>
        waiting.length ? waiting.shift().done(fields(line))
            : lines.push(fields(line)));

    const next = () => new Promise((done, fail) => {
        if (lines.length) {
            done(lines.shift());
        } else if (over) {
            fail(new Error(`bench-load steady: ${said.trim()}`));
        } else {
            waiting.push({ done, fail });
        }
    });

    return next().then(() => ({
        phase: (version) => {
            child.stdin.write(`phase ${version}\n`);
            return next();
        },
        end: async () => {
            child.stdin.end();
            const whole = await next();

            return { ...whole, wrong: await exit !== 0, said };
        },
    }));
}

module.exports = { steady };
