/* handshake.js - the opening handshake of the small server (RFC 6455 4.2) */
'use strict';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BITS = /^([89]|1[0-5])$/;

const words = (text = '') => text.split(',').map((word) => word.trim());
const quiet = (text) => text.toLowerCase();

/* { name: [value...] }, or null: that is no head (RFC 9112 5). */
function parse(lines) {
    const headers = {};

    for (const line of lines) {
        const colon = line.indexOf(':');
        const name = line.slice(0, colon);

        if (colon < 0 || !TOKEN.test(name) || /[\0\r\n]/.test(line)) {
            return null;
        }
        (headers[quiet(name)] ??= []).push(line.slice(colon + 1)
            .replace(/^[ \t]+|[ \t]+$/g, ''));
    }
    return headers;
}

function check(method, version, headers) {
    const one = (name) => headers[name]?.length === 1 ? headers[name][0] : '';
    const key = one('sec-websocket-key');

    if (version !== 'HTTP/1.1' || headers.host?.length !== 1 ||
        'content-length' in headers || 'transfer-encoding' in headers) {
        return 400;
    }
    if (method !== 'GET') {
        return 405;
    }
    if (!words(headers.upgrade?.join()).map(quiet).includes('websocket') ||
        !words(headers.connection?.join()).map(quiet).includes('upgrade') ||
        !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
        return 400;
    }
    return one('sec-websocket-version') === '13' ? 101 : 426;
}

/* { status, headers, path }: 101, or why not. paths: those there are. */
function refusal(text, paths, any) {
    const [first, ...lines] = text.split('\r\n');
    const [method, target = '', version] = first.split(' ');
    const lists = parse(lines);

    if (lists === null) {
        return { status: 400 };
    }
    const path = target.split('?')[0];
    const status = any ? 101 : check(method, version, lists);
    const headers = Object.fromEntries(Object.entries(lists)
        .map(([name, values]) => [name, values.join(', ')]));

    return { headers, path: path in paths ? path : Object.keys(paths)[0],
        status: status === 101 && !any && !(path in paths) ? 404 : status };
}

/* The parameters of an offer, or null: nobody may accept it. */
function parameters(offer) {
    const [name, ...rest] = offer.split(';').map((part) => part.trim());
    const found = {};

    if (name !== 'permessage-deflate') {
        return null;
    }
    for (const part of rest) {
        const [, key, , value] =
            /^([\w-]+)(\s*=\s*"?([^"]*)"?)?$/.exec(part) ?? [];
        const takes = /^(server|client)_max_window_bits$/.test(key);
        const flag = /^(server|client)_no_context_takeover$/.test(key);
        const good = value === undefined
            ? flag || key === 'client_max_window_bits'
            : takes && BITS.test(value);

        if (!good || key in found) {
            return null;
        }
        found[key] = value === undefined ? true : Number(value);
    }
    return found;
}

/* What is agreed, with the text of the answer; null: nothing. */
function negotiate(offers, compress, any) {
    if (!compress || offers === undefined) {
        return null;
    }
    for (const offer of offers.split(',')) {
        const wanted = parameters(offer) ?? (any ? {} : null);

        if (wanted === null || wanted.server_max_window_bits === 8) {
            continue;
        }
        const agreed = { ...wanted };

        if (agreed.client_max_window_bits === true) {
            agreed.client_max_window_bits = 15;
        }
        agreed.text = ['permessage-deflate', ...Object.entries(agreed)
            .map(([key, value]) => value === true ? key : `${key}=${value}`)]
            .join('; ');
        return agreed;
    }
    return null;
}

module.exports = { negotiate, refusal };
