/* peers.js - clients in another process, told what to do over its channel */
'use strict';

const WebSocket = require('ws');

const clients = [];

function connect({ url, count }) {
    return Promise.all(Array.from({ length: count }, () =>
        new Promise((done, fail) => {
            const client = new WebSocket(url, { perMessageDeflate: false });

            clients.push(client);
            client.on('error', fail);
            client.on('open', () => client.send('sub news'));
            client.once('message', done);
        })));
}

process.on('message', (command) => connect(command).then(
    () => process.send({ ok: true }),
    (error) => process.send({ ok: false, why: error.message })));
process.send({ ok: true });
