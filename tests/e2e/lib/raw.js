/* raw.js - a client whose every byte is written by hand, right or wrong */
'use strict';

const crypto = require('node:crypto');
const net = require('node:net');
const tls = require('node:tls');
const { Feed, within } = require('./wait.js');

const OPCODE = {
    continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10,
};

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/* What a request with these headers looks like; those that are null are left
 * out, and of a list each is a line of its own. */
function requestText(line, headers = {}, body = '') {
    const lines = Object.entries(headers).flatMap(([name, value]) =>
        [value].flat().filter((one) => one !== null && one !== undefined)
            .map((one) => `${name}: ${one}`));

    return Buffer.concat([
        Buffer.from([line, ...lines, '', ''].join('\r\n'), 'latin1'),
        Buffer.from(body),
    ]);
}

const upgradeHeaders = (host) => ({
    'Host': host,
    'Upgrade': 'websocket',
    'Connection': 'Upgrade',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
});

/*
 * One frame of a client. All of it can be wrong: length is the number in the
 * header, width how many bytes it takes there (1, 3 or 9).
 */
function frame(opcode, payload = '', {
    fin = true, rsv = 0, mask = true, length, width,
} = {}) {
    const data = Buffer.from(payload);
    const size = BigInt(length ?? data.length);
    const wide = width ?? (size < 126n ? 1 : size < 65536n ? 3 : 9);
    const head = Buffer.alloc(1 + wide);

    head[0] = (fin ? 0x80 : 0) | rsv << 4 | opcode;
    if (wide === 1) {
        head[1] = Number(size);
    } else if (wide === 3) {
        head[1] = 126;
        head.writeUInt16BE(Number(size), 2);
    } else {
        head[1] = 127;
        head.writeBigUInt64BE(BigInt.asUintN(64, size), 2);
    }
    if (!mask) {
        return Buffer.concat([head, data]);
    }
    const key = crypto.randomBytes(4);

    head[1] |= 0x80;
    return Buffer.concat([head, key,
        data.map((byte, i) => byte ^ key[i % 4])]);
}

function closePayload(code, reason = '') {
    const head = Buffer.alloc(2);

    head.writeUInt16BE(code);
    return Buffer.concat([head, Buffer.from(reason)]);
}

class RawSocket {
    /* where: as for net.connect; secure: options for tls.connect, or none. */
    static async connect(where, secure) {
        const socket = secure ? tls.connect({ ...where, ...secure })
            : net.connect(where);
        const raw = new this(socket);
        const ready = new Promise((done, fail) => {
            socket.once(secure ? 'secureConnect' : 'connect', done);
            socket.once('error', fail);
            socket.once('close', () => fail(new Error('closed at once')));
        });

        await within(ready, 'a connection to the host');
        return raw;
    }

    constructor(socket) {
        this.socket = socket;
        this.pieces = new Feed('the raw client');
        this.buffer = Buffer.alloc(0);
        this.how = null; /* it ended: "end" or "reset" */
        this.ending = new Promise((done) => {
            socket.on('end', () => {
                this.how ??= 'end';
            });
            socket.on('error', () => {
                this.how ??= 'reset';
            });
            socket.on('close', () => {
                this.how ??= 'reset';
                this.pieces.end(`the connection is closed (${this.how})`);
                done(this.how);
            });
            socket.on('end', () => {
                this.pieces.end('the host has closed the connection');
                done(this.how);
            });
        });
        socket.on('data', (data) => this.pieces.push(data));
    }

    write(...parts) {
        this.socket.write(Buffer.concat(parts.map((part) =>
            Buffer.from(part))));
        return this;
    }

    /* One piece more into the buffer; false at the end. */
    async more(what, ms) {
        try {
            this.buffer = Buffer.concat([this.buffer,
                await this.pieces.next(what, ms)]);
        } catch (error) {
            error.received = this.buffer;
            throw error;
        }
    }

    take(count) {
        const taken = this.buffer.subarray(0, count);

        this.buffer = this.buffer.subarray(count);
        return taken;
    }

    async read(count, what = `${count} bytes`, ms = undefined) {
        const parts = [];
        let have = 0;

        if (this.buffer.length > 0) {
            parts.push(this.take(count));
            have = parts[0].length;
        }
        while (have < count) {
            const piece = await this.pieces.next(what, ms);

            parts.push(piece.subarray(0, count - have));
            this.buffer = piece.subarray(count - have);
            have += parts.at(-1).length;
        }
        return Buffer.concat(parts);
    }

    async readTo(end, what) {
        for (;;) {
            const at = this.buffer.indexOf(end);

            if (at >= 0) {
                return this.take(at + end.length).toString('latin1');
            }
            await this.more(what);
        }
    }

    /* All that comes until the host closes the connection. */
    async rest(ms) {
        const how = await this.ended('the end of the connection', ms);

        while (this.pieces.taken < this.pieces.length) {
            this.buffer = Buffer.concat([this.buffer,
                await this.pieces.next()]);
        }
        const bytes = this.take(this.buffer.length);

        bytes.how = how;
        return bytes;
    }

    /* "end" or "reset". */
    ended(what = 'the end of the connection', ms = undefined) {
        return within(this.ending, what, ms);
    }

    /* The next HTTP answer. head: it is one to HEAD, without a body. */
    async response({ head = false } = {}) {
        const [line, ...lines] =
            (await this.readTo('\r\n\r\n', 'an HTTP answer')).trim()
                .split('\r\n');
        const [, version, status, reason] =
            /^(HTTP\/\d\.\d) (\d+) ?(.*)$/.exec(line);
        const headers = {};

        for (const text of lines) {
            const [, name, value] = /^([^:]+): *(.*)$/.exec(text);
            const key = name.toLowerCase();

            headers[key] = key in headers ? `${headers[key]}, ${value}`
                : value;
        }
        const answer = { version, status: Number(status), reason, headers };
        const empty = head || [101, 204, 304].includes(answer.status);

        answer.body = await this.read(
            empty ? 0 : Number(headers['content-length'] ?? 0), 'a body');
        answer.text = answer.body.toString();
        return answer;
    }

    request(line, headers, body) {
        return this.write(requestText(line, headers, body));
    }

    /* A handshake for the path, with these headers changed; the answer. */
    async handshake(path, headers = {}, { method = 'GET', version = 'HTTP/1.1',
        host = 'localhost' } = {}) {
        this.request(`${method} ${path} ${version}`,
            { ...upgradeHeaders(host), ...headers });
        return this.response();
    }

    /* A handshake that has to succeed. */
    async upgrade(path, headers) {
        const answer = await this.handshake(path, headers);

        if (answer.status !== 101) {
            throw new Error(`${path}: ${answer.status} ${answer.text}`);
        }
        return this;
    }

    send(opcode, payload, options) {
        return this.write(frame(opcode, payload, options));
    }

    /* The next frame of the host. */
    async frame(ms) {
        const head = await this.read(2, 'a frame', ms);
        const opcode = head[0] & 15;
        let size = head[1] & 127;

        if (size === 126) {
            size = (await this.read(2)).readUInt16BE();
        } else if (size === 127) {
            size = Number((await this.read(8)).readBigUInt64BE());
        }
        return {
            opcode,
            fin: (head[0] & 0x80) !== 0,
            rsv: head[0] >> 4 & 7,
            masked: (head[1] & 0x80) !== 0,
            payload: await this.read(size, 'the payload of a frame'),
        };
    }

    /* The next message, put together; control frames in it are an error. */
    async message() {
        const parts = [];
        let first;

        do {
            const next = await this.frame();

            first ??= next;
            if (next.opcode > 2 || (parts.length > 0) !== (next.opcode === 0)) {
                throw new Error(`opcode ${next.opcode} in a message`);
            }
            parts.push(next);
        } while (!parts.at(-1).fin);
        const data = Buffer.concat(parts.map(({ payload }) => payload));

        return { binary: first.opcode === OPCODE.binary, data,
            text: data.toString() };
    }

    /* The next frame, which has to be a Close; code null: without one. */
    async close(ms) {
        const next = await this.frame(ms);

        if (next.opcode !== OPCODE.close) {
            throw new Error(`opcode ${next.opcode} instead of a Close: ` +
                next.payload.toString());
        }
        return {
            code: next.payload.length >= 2 ? next.payload.readUInt16BE()
                : null,
            reason: next.payload.subarray(2).toString(),
        };
    }

    /* An RST instead of a FIN. */
    reset() {
        this.socket.resetAndDestroy();
    }

    end() {
        this.socket.end();
    }

    destroy() {
        this.socket.destroy();
    }
}

const acceptOf = (key) =>
    crypto.createHash('sha1').update(key + ACCEPT_GUID).digest('base64');

module.exports = {
    KEY, OPCODE, RawSocket, acceptOf, closePayload, frame, requestText,
    upgradeHeaders,
};
