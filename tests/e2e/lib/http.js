/* http.js - one HTTP request, and the metrics page read */
'use strict';

const http = require('node:http');
const https = require('node:https');
const { within } = require('./wait.js');

/* where: as for http.request. The answer: status, reason, headers, body. */
function request(where, path, {
    method = 'GET', headers = {}, body, agent = false, secure = false,
} = {}) {
    const answered = new Promise((done, fail) => {
        const asked = (secure ? https : http).request(
            { ...where, path, method, headers, agent,
                rejectUnauthorized: false }, (response) => {
                const parts = [];

                response.on('data', (part) => parts.push(part));
                response.on('error', fail);
                response.on('end', () => {
                    const whole = Buffer.concat(parts);

                    done({
                        status: response.statusCode,
                        reason: response.statusMessage,
                        headers: response.headers,
                        body: whole,
                        text: whole.toString(),
                    });
                });
            });

        asked.on('error', fail);
        asked.end(body);
    });

    return within(answered, `the answer to ${method} ${path}`);
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HELP = new RegExp(`^# HELP (${NAME}) \\S.*$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})(\\{[^{}]*\\})? ([-+0-9.eE]+|NaN)$`);
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"$/;

/*
 * Prometheus' text format 0.0.4, read strictly: a map from 'name' or
 * 'name{label="value"}' to numbers. Throws at the first fault.
 */
function parseMetrics(text) {
    const values = new Map();
    const types = new Map();

    if (!text.endsWith('\n')) {
        throw new Error('the last line of the metrics does not end');
    }
    for (const line of text.slice(0, -1).split('\n')) {
        const help = HELP.exec(line);
        const type = TYPE.exec(line);
        const sample = SAMPLE.exec(line);

        if (type) {
            if (types.has(type[1])) {
                throw new Error(`${type[1]} has two types`);
            }
            types.set(type[1], type[2]);
        } else if (sample) {
            const [, name, labels = '', number] = sample;
            const each = labels.slice(1, -1).split(/,(?=[a-zA-Z_]+=")/);

            if (!types.has(name) || values.has(name + labels) ||
                (labels && !each.every((label) => LABEL.test(label)))) {
                throw new Error(`a wrong sample: ${line}`);
            }
            if (types.get(name) === 'counter' && !name.endsWith('_total')) {
                throw new Error(`a counter that is no _total: ${name}`);
            }
            values.set(name + labels, Number(number));
        } else if (!help) {
            throw new Error(`not a line of metrics: ${line}`);
        }
    }
    return values;
}

module.exports = { request, parseMetrics };
