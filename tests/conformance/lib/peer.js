/* peer.js - one raw connection, and what the server sends on it, checked
 *
 * Each frame of the server is held against RFC 6455 section 5 as it comes:
 * what it may never do is an event of its own, a fault.
 */
'use strict';

const net = require('node:net');
const tls = require('node:tls');
const { OPCODE, acceptOf, requestText, upgradeHeaders, KEY } =
    require('../../e2e/lib/raw.js');
const { isUtf8 } = require('./utf8.js');
const { Deflate, parseAnswer } = require('./deflate.js');

/* ASan and UBSan make everything several times slower. */
const SLOWNESS = process.env.PATCHBAY_SANITIZED === '1' ? 4 : 1;
const SOON_MS = 10000 * SLOWNESS;

const HEAD_END = Buffer.from('\r\n\r\n');

/* The head of an HTTP answer: { status, headers }, names in lower case. */
function parseHead(text) {
    const [first, ...lines] = text.split('\r\n');
    const [, status] = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first) ?? [];

    if (status === undefined) {
        throw new Error(`this is no answer: ${JSON.stringify(first)}`);
    }
    const headers = {};

    for (const line of lines) {
        const [, name, value] = /^([^:\s]+):[ \t]*(.*?)[ \t]*$/.exec(line) ??
            [];

        if (name === undefined) {
            throw new Error(`this is no header: ${JSON.stringify(line)}`);
        }
        const key = name.toLowerCase();

        headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
    }
    return { status: Number(status), headers };
}

class Peer {
    /* where, secure: as for net.connect and tls.connect. */
    static connect(where, secure, patience = SOON_MS) {
        return new Promise((done, fail) => {
            const socket = secure ? tls.connect({ ...where, ...secure })
                : net.connect(where);
            const timer = setTimeout(() => {
                socket.destroy();
                fail(new Error('no connection to the server'));
            }, patience);

            socket.once('error', fail);
            socket.once(secure ? 'secureConnect' : 'connect', () => {
                clearTimeout(timer);
                socket.removeListener('error', fail);
                done(new Peer(socket, patience));
            });
        });
    }

    constructor(socket, patience) {
        socket.setNoDelay(true);
        this.socket = socket;
        this.patience = patience;
        this.chunks = [];
        this.have = 0;
        this.need = 1;
        this.parse = this.parseHead;
        this.events = [];
        this.taken = 0;
        this.waiting = null;
        this.message = null; /* { kind, parts, compressed } that is not whole */
        this.deflate = null;
        this.closed = false; /* a Close has come */
        this.over = false;
        this.compressed = 0; /* messages that came deflated */
        this.frames = 0;
        socket.on('data', (data) => this.arrived(data));
        socket.on('end', () => this.ended('end'));
        socket.on('error', (error) => this.ended('reset', error));
        socket.on('close', () => this.ended('reset'));
    }

    /* ---- events --------------------------------------------------------- */

    push(event) {
        this.events.push(event);
        if (this.waiting !== null) {
            this.waiting();
        }
    }

    fault(what) {
        this.push({ type: 'fault', what });
        this.parse = this.ignore;
    }

    ended(how, error) {
        if (this.over) {
            return;
        }
        this.over = true;
        if (this.have > 0 && this.parse !== this.ignore) {
            this.push({ type: 'fault', what: 'the end within a frame' });
        }
        this.push({ type: 'end', how,
            why: error && error.code !== 'ECONNRESET' ? error.message : '' });
    }

    /* The next event, which stays the next one; null: not within ms. */
    async peek(ms = this.patience) {
        if (this.taken === this.events.length) {
            let timer;

            await new Promise((done) => {
                this.waiting = done;
                timer = setTimeout(done, ms);
            });
            this.waiting = null;
            clearTimeout(timer);
        }
        return this.events[this.taken] ?? null;
    }

    async next(ms) {
        const event = await this.peek(ms);

        if (event !== null) {
            this.events[this.taken++] = undefined; /* it may be large */
        }
        return event;
    }

    /* ---- what comes ----------------------------------------------------- */

    arrived(data) {
        this.chunks.push(data);
        this.have += data.length;
        if (this.have < this.need) {
            return;
        }
        let all = this.chunks.length === 1 ? data : Buffer.concat(this.chunks);

        for (;;) {
            const used = all.length > 0 ? this.parse(all) : 0;

            if (used === 0) {
                break;
            }
            this.need = 1;
            all = all.subarray(used);
        }
        this.chunks = all.length > 0 ? [all] : [];
        this.have = all.length;
    }

    ignore(bytes) {
        return bytes.length;
    }

    parseHead(bytes) {
        const end = bytes.indexOf(HEAD_END);

        if (end < 0) {
            return 0;
        }
        try {
            const head = parseHead(bytes.toString('latin1', 0, end));

            this.parse = head.status === 101 ? this.parseFrame : this.ignore;
            this.push({ type: 'answer', ...head });
        } catch (error) {
            this.fault(error.message);
        }
        return end + HEAD_END.length;
    }

    /* How many bytes a frame took; 0: it is not all there. */
    parseFrame(bytes) {
        let size = bytes[1] & 127, at = 2;

        if (this.closed) {
            this.fault('something behind the Close');
            return bytes.length;
        }
        if (bytes.length < 2) {
            return 0;
        }
        if (size > 125) {
            at = size === 126 ? 4 : 10;
            if (bytes.length < at) {
                return 0;
            }
            const least = size === 126 ? 126 : 65536;

            size = size === 126 ? bytes.readUInt16BE(2)
                : Number(bytes.readBigUInt64BE(2));
            if (size < least) {
                this.fault('a length that is longer than it need be');
                return bytes.length;
            }
        }
        if (bytes.length < at + size) {
            this.need = at + size;
            return 0;
        }
        const wrong = this.frame(bytes[0], (bytes[1] & 0x80) !== 0,
            bytes.subarray(at, at + size));

        this.frames += 1;
        if (wrong) {
            this.fault(wrong);
        }
        return at + size;
    }

    /* What is wrong with it, if anything. */
    frame(first, masked, payload) {
        const fin = (first & 0x80) !== 0;
        const rsv = first >> 4 & 7;
        const opcode = first & 15;

        if (masked) {
            return 'a masked frame';
        }
        if (opcode > 10 || opcode > 2 && opcode < 8) {
            return `opcode ${opcode}`;
        }
        if (rsv !== 0 && (rsv !== 4 || this.deflate === null ||
            opcode === OPCODE.continuation || opcode > 2)) {
            return `reserved bits ${rsv} with opcode ${opcode}`;
        }
        if (opcode >= 8) {
            return this.control(opcode, fin, payload);
        }
        if ((opcode === OPCODE.continuation) !== (this.message !== null)) {
            return opcode === OPCODE.continuation
                ? 'a continuation of nothing' : 'a message within a message';
        }
        this.message ??= { kind: opcode, parts: [], compressed: rsv === 4 };
        this.message.parts.push(payload);
        return fin ? this.finish() : null;
    }

    control(opcode, fin, payload) {
        if (!fin || payload.length > 125) {
            return `a control frame of ${payload.length} octets, ` +
                `FIN ${Number(fin)}`;
        }
        if (opcode !== OPCODE.close) {
            this.push({ type: opcode === OPCODE.ping ? 'ping' : 'pong',
                data: Buffer.from(payload) });
            return null;
        }
        this.closed = true;
        const code = payload.length >= 2 ? payload.readUInt16BE() : null;

        if (payload.length === 1 || !isUtf8(payload.subarray(2))) {
            return `a Close with ${payload.toString('hex')}`;
        }
        this.push({ type: 'close', code,
            reason: payload.subarray(2).toString() });
        return null;
    }

    finish() {
        const { kind, parts, compressed } = this.message;
        let data = parts.length === 1 ? parts[0] : Buffer.concat(parts);

        this.message = null;
        if (compressed) {
            this.compressed += 1;
            try {
                data = this.deflate.in.inflate(data);
            } catch (error) {
                return `a message that does not inflate: ${error.message}`;
            }
        }
        if (kind === OPCODE.text && !isUtf8(data)) {
            return 'text that is not UTF-8';
        }
        this.push({ type: 'message', kind, data, compressed,
            frames: parts.length });
        return null;
    }

    /* ---- what goes ------------------------------------------------------ */

    /* Done when the kernel has it, or when the connection is gone. */
    write(bytes) {
        return new Promise((done) => {
            if (this.socket.destroyed || this.socket.writableEnded) {
                done();
                return;
            }
            this.socket.write(bytes, () => done());
        });
    }

    /* In writes of so many octets; what the server does is seen between. */
    async chop(bytes, octets) {
        for (let at = 0; at < bytes.length; at += octets) {
            await this.write(bytes.subarray(at,
                Math.min(at + octets, bytes.length)));
            await new Promise(setImmediate);
        }
    }

    request(line, headers) {
        return this.write(requestText(line, headers));
    }

    /* A handshake that has to succeed; offer: of extensions. */
    async upgrade(path, offer) {
        const headers = upgradeHeaders('localhost');

        await this.request(`GET ${path} HTTP/1.1`, { ...headers,
            'Sec-WebSocket-Extensions': offer });
        const answer = await this.next();

        if (answer?.type !== 'answer') {
            throw new Error(`no answer to the handshake: ${
                JSON.stringify(answer)}`);
        }
        this.check(answer, offer);
        return answer;
    }

    /* RFC 6455 section 4.1, as a client has to look at it. */
    check({ status, headers }, offer) {
        const extensions = headers['sec-websocket-extensions'];

        if (status !== 101) {
            throw new Error(`the handshake was answered with ${status}`);
        }
        if (headers.upgrade?.toLowerCase() !== 'websocket' ||
            headers.connection?.toLowerCase() !== 'upgrade' ||
            headers['sec-websocket-accept'] !== acceptOf(KEY)) {
            throw new Error('Upgrade, Connection or Sec-WebSocket-Accept is ' +
                'wrong in the answer');
        }
        if (extensions === undefined) {
            return;
        }
        if (offer === undefined) {
            throw new Error(`an extension nobody offered: ${extensions}`);
        }
        this.deflate = new Deflate(parseAnswer(extensions));
    }

    destroy() {
        this.socket.destroy();
    }
}

module.exports = { Peer, SLOWNESS };
