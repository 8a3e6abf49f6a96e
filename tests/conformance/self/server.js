/* server.js - a small WebSocket server that keeps to the RFCs, or breaks them
 * in ways that are named
 *
 * For the test of the cases themselves: against it all of them have to pass,
 * and with a fault those that look for it have to fail.
 */
'use strict';

const net = require('node:net');
const zlib = require('node:zlib');
const { isAscii } = require('node:buffer');
const { acceptOf, closePayload, frame } = require('../../e2e/lib/raw.js');
const { Direction, TAIL } = require('../lib/deflate.js');
const { isUtf8, look } = require('../lib/utf8.js');
const { negotiate, refusal } = require('./handshake.js');

const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_HEAD = 8192;

const isCode = (code) => code >= 1000 && code < 5000 &&
    !(code >= 1004 && code <= 1006) && !(code > 1014 && code < 3000);

/* What a peer did wrong: the code of the Close it gets. */
class Fault extends Error {
    constructor(code, why) {
        super(why);
        this.code = code;
    }
}

class Connection {
    constructor(socket, { limit, compress, faults, path, small }) {
        Object.assign(this, { socket, compress, faults, path, small });
        this.limits = { [path]: limit, [small]: 1000 };
        this.buffer = Buffer.alloc(0);
        this.step = this.head;
        this.frame = null;
        this.message = null;
        socket.setNoDelay(true);
        socket.on('data', (data) => this.arrived(data));
        socket.on('end', () => this.finish());
        socket.on('error', () => {});
    }

    has(fault) {
        return this.faults.has(fault);
    }

    arrived(data) {
        if (this.step === null) {
            return;
        }
        this.buffer = this.buffer.length > 0
            ? Buffer.concat([this.buffer, data]) : data;
        try {
            while (this.step !== null && this.step()) {
                continue;
            }
        } catch (error) {
            if (!(error instanceof Fault)) {
                throw error;
            }
            this.fail(error.code);
        }
        this.pace();
    }

    /* Who does not read is not read from. */
    pace() {
        if (this.socket.writableLength > 512 * 1024 && this.step !== null) {
            this.socket.pause();
            this.socket.once('drain', () => this.socket.resume());
        }
    }

    fail(code) {
        this.step = null;
        if (this.has('no Close')) {
            this.finish();
            return;
        }
        this.send(8, closePayload(this.has('always 1002') ? 1002 : code));
        this.finish();
    }

    finish() {
        this.step = null;
        this.buffer = Buffer.alloc(0);
        if (!this.has('leaves TCP open')) {
            this.socket.end();
        }
    }

    take(count) {
        const taken = this.buffer.subarray(0, count);

        this.buffer = this.buffer.subarray(count);
        return taken;
    }

    send(opcode, payload, options) {
        this.socket.write(frame(opcode, payload, { mask: false, ...options }));
    }

    /* ---- the handshake -------------------------------------------------- */

    head() {
        const end = this.buffer.indexOf(HEAD_END);

        if (end < 0) {
            if (this.buffer.length > MAX_HEAD) {
                this.finish();
            }
            return false;
        }
        const request = this.take(end + HEAD_END.length)
            .toString('latin1', 0, end);
        const { status, headers, path } = refusal(request, this.limits,
            this.has('any handshake'));

        if (status !== 101) {
            this.socket.write(`HTTP/1.1 ${status} No\r\n` +
                'Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n');
            this.finish();
            return false;
        }
        this.limit = this.limits[path];
        const answer = negotiate(headers['sec-websocket-extensions'],
            this.compress, this.has('any offer'));

        if (answer !== null) {
            this.in = new Direction(!answer.client_no_context_takeover,
                answer.client_max_window_bits ?? 15);
            this.out = new Direction(!answer.server_no_context_takeover &&
                !this.has('forgets its window'), this.has('any window') ? 15
                : answer.server_max_window_bits ?? 15);
        }
        this.socket.write(`HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n` +
            'Connection: Upgrade\r\nSec-WebSocket-Accept: ' +
            `${acceptOf(headers['sec-websocket-key'])}\r\n` +
            (answer ? `Sec-WebSocket-Extensions: ${answer.text}\r\n` : '') +
            '\r\n');
        this.step = this.frameHead;
        return true;
    }

    /* ---- frames --------------------------------------------------------- */

    frameHead() {
        const { buffer } = this;

        if (buffer.length < 2) {
            return false;
        }
        const [first, second] = buffer;
        const opcode = first & 15;

        this.checkHead(first, second);
        const short = second & 127;
        const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
        const masked = second > 127;
        const size = 2 + wide + (masked ? 4 : 0);

        if (wide > 0 && buffer.length < 2 + wide) {
            return false;
        }
        const length = wide === 0 ? BigInt(short)
            : wide === 2 ? BigInt(buffer.readUInt16BE(2))
                : buffer.readBigUInt64BE(2);

        this.checkLength(wide, length, opcode);
        if (buffer.length < size) {
            return false;
        }
        const bytes = this.take(size);

        this.frame = {
            fin: first > 127, opcode, left: Number(length), at: 0,
            key: masked ? bytes.subarray(size - 4) : Buffer.alloc(4),
            parts: [],
        };
        if (opcode < 8) {
            this.beginData(opcode, (first & 0x40) !== 0);
        }
        this.step = this.payload;
        return true;
    }

    checkHead(first, second) {
        const opcode = first & 15;
        const rsv = first >> 4 & 7;
        const deflated = rsv === 4 && this.in !== undefined &&
            (opcode === 1 || opcode === 2);

        if (rsv !== 0 && !deflated && !this.has('any reserved bits')) {
            throw new Fault(1002, 'reserved bits');
        }
        if ((opcode > 10 || opcode > 2 && opcode < 8) &&
            !this.has('any opcode')) {
            throw new Fault(1002, 'opcode');
        }
        if (second < 128 && !this.has('no masks')) {
            throw new Fault(1002, 'no mask');
        }
        if (opcode >= 8 && (first < 128 || (second & 127) > 125) &&
            !this.has('any control frame')) {
            throw new Fault(1002, 'control frame');
        }
        if (opcode < 3 && (opcode === 0) !== (this.message !== null) &&
            !this.has('any order')) {
            throw new Fault(1002, 'order of fragments');
        }
    }

    checkLength(wide, length, opcode) {
        if (length >> 63n !== 0n || (wide === 2 && length < 126n ||
            wide === 8 && length < 65536n) && !this.has('long lengths')) {
            throw new Fault(1002, 'length');
        }
        if (opcode < 8 && !this.has('no limit') &&
            BigInt(this.message?.total ?? 0) + length > BigInt(this.limit)) {
            throw new Fault(1009, 'too long');
        }
    }

    beginData(opcode, deflated) {
        if (opcode !== 0 || this.message === null) {
            this.message = { kind: opcode || 1, deflated, parts: [], total: 0,
                rest: Buffer.alloc(0) };
        }
    }

    payload() {
        const { frame: now } = this;
        const bytes = Buffer.from(this.take(now.left));

        for (let i = 0; i < bytes.length; i++) {
            bytes[i] ^= now.key[now.at++ & 3];
        }
        now.left -= bytes.length;
        if (now.opcode >= 8) {
            now.parts.push(bytes);
        } else {
            this.data(bytes);
        }
        if (now.left > 0) {
            return false;
        }
        this.step = this.frameHead;
        if (now.opcode >= 8) {
            this.control(now.opcode, Buffer.concat(now.parts));
        } else if (now.fin) {
            this.whole();
        } else if (this.message.deflated) {
            this.tryInflate();
        }
        return true;
    }

    /* ---- messages ------------------------------------------------------- */

    checkText(bytes) {
        const { message } = this;

        if (message.kind !== 1 || this.has('any text') ||
            this.has('late about text') ||
            message.rest.length === 0 && isAscii(bytes)) {
            return;
        }
        const all = Buffer.concat([message.rest, bytes]);

        if (look(all).bad >= 0) {
            throw new Fault(1007, 'no text');
        }
        let cut = all.length;

        while (cut > 0 && !look(all.subarray(cut - 1)).whole &&
            all.length - cut < 3) {
            cut -= 1;
            if (all[cut] >= 0xc0) {
                break;
            }
        }
        message.rest = look(all).whole ? Buffer.alloc(0) : all.subarray(cut);
    }

    data(bytes) {
        const { message } = this;

        message.parts.push(bytes);
        message.total += bytes.length;
        if (!message.deflated) {
            this.checkText(bytes);
        }
    }

    inflate(bytes, options = {}) {
        try {
            return zlib.inflateRawSync(bytes, {
                ...this.in.options(), windowBits: this.in.bits,
                maxOutputLength: this.has('no limit') ? 2 ** 30 : this.limit,
                ...options });
        } catch (error) {
            throw new Fault(error.code === 'ERR_BUFFER_TOO_LARGE' ? 1009 : 1007,
                error.message);
        }
    }

    /* What there is of a compressed message, to see its faults early. */
    tryInflate() {
        const { message } = this;

        if (message.parts.length < 16 && !this.has('late about text')) {
            const data = this.inflate(Buffer.concat(message.parts));

            if (message.kind === 1 && look(data).bad >= 0) {
                throw new Fault(1007, 'no text');
            }
        }
    }

    whole() {
        const { message } = this;
        let data = Buffer.concat(message.parts);

        this.message = null;
        if (message.deflated && this.in) {
            const packed = Buffer.concat([data, TAIL]);

            data = this.inflate(packed);
            this.checkCut(packed, data);
            this.in.remember(data);
        }
        if (message.kind === 1 && !this.has('any text') && !isUtf8(data)) {
            throw new Fault(1007, 'no text');
        }
        this.echo(message.kind, data);
    }

    /* A message that ends within a block: what should end it is taken for
     * something else, so that more is wanted. */
    checkCut(packed, data) {
        const more = zlib.deflateRawSync(Buffer.from('?'));
        const after = this.inflate(Buffer.concat([packed, more]),
            { maxOutputLength: 2 ** 30 });

        if (after.length !== data.length + 1 && after.length !== data.length) {
            throw new Fault(1007, 'cut');
        }
    }

    echo(kind, data) {
        if (this.has('drops empty messages') && data.length === 0) {
            return;
        }
        if (this.has('changes a byte') && data.length > 1000) {
            data[500] ^= 1;
        }
        if (this.out && data.length >= 64) {
            this.send(kind, this.out.deflate(data), { rsv: 4 });
        } else {
            this.send(kind, data, this.has('long answers')
                ? { width: 9 } : this.has('masks') ? { mask: true } : {});
        }
    }

    /* ---- control frames ------------------------------------------------- */

    control(opcode, payload) {
        if (opcode === 9) {
            this.ping(payload);
        } else if (opcode === 8) {
            this.close(payload);
        } else if (this.has('answers pongs')) {
            this.send(10, payload);
        }
    }

    ping(payload) {
        if (this.has('answers the last ping')) {
            clearImmediate(this.later);
            this.later = setImmediate(() => this.send(10, payload));
        } else {
            this.send(10, this.has('empty pongs') ? '' : payload);
        }
    }

    close(payload) {
        const code = payload.length >= 2 ? payload.readUInt16BE() : 1000;

        if (!this.has('any Close')) {
            if (payload.length === 1 || !isCode(code)) {
                throw new Fault(1002, 'code');
            }
            if (!isUtf8(payload.subarray(2))) {
                throw new Fault(1007, 'reason');
            }
        }
        if (this.has('goes on after a Close')) {
            this.send(8, payload);
            return;
        }
        this.send(8, this.has('answers 1000')
            ? closePayload(1000) : payload.subarray(0, 2));
        this.finish();
    }
}

/* faults: names, as above. Resolves to { where, path, small, compress, stop }. */
function serve({ compress = false, faults = [] } = {}) {
    const sockets = new Set();
    const setup = { compress, faults: new Set(faults), limit: 16 * 1024 * 1024,
        path: '/echo', small: '/small' };
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        void new Connection(socket, setup);
    });

    return new Promise((done, fail) => {
        server.on('error', fail);
        server.listen(0, '127.0.0.1', () => done({
            where: { host: '127.0.0.1', port: server.address().port },
            path: setup.path, small: setup.small, compress,
            stop: () => {
                sockets.forEach((socket) => socket.destroy());
                server.close();
            },
        }));
    });
}

module.exports = { serve };
