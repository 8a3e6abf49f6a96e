/*
 * uws_server.js - WebSocket echo and fan-out on uWebSockets
 *
 *     node uws_server.js PORT
 *
 * The C++ core of uWebSockets.js, as the npm package carries it prebuilt for
 * Node 16, 18 and 20. The package falls back to plain JavaScript where it has
 * no binary; that would be no comparison, so the binary is loaded here. Exit
 * 77: there is none for this Node.
 */
'use strict';

const path = require('node:path');

const BODY = 'hello from a server\n';

function load() {
    const root = path.dirname(
        require.resolve('@trufflesuite/uws-js-unofficial/package.json'));
    const name = 'uws_' + process.platform + '_' + process.arch + '_' +
        process.versions.modules + '.node';

    try {
        return require(path.join(root, 'binaries', name));
    } catch (error) {
        console.error('uws_server: skipped, Node ' + process.versions.node +
            ' has no ' + name + ' (' + error.code + '); use Node 20');
        process.exit(77);
    }
}

const uws = load();
const settings = {
    compression: uws.DISABLED,
    maxPayloadLength: 16 << 20,
    maxBackpressure: 16 << 20,
    idleTimeout: 0,
    sendPingsAutomatically: false,
};
const app = uws.App();

app.ws('/echo', {
    ...settings,
    message: (socket, data, binary) => socket.send(data, binary, false),
});

app.ws('/fan', {
    ...settings,
    open: (socket) => socket.subscribe('fan'),
    message: (socket, data, binary) => app.publish('fan', data, binary, false),
});

app.get('/get', (response) => {
    response.writeHeader('Content-Type', 'text/plain').end(BODY);
});

app.listen('127.0.0.1', Number(process.argv[2]), (listening) => {
    if (!listening) {
        console.error('uws_server: port ' + process.argv[2] + ' is taken');
        process.exit(1);
    }
});
