/* ini.js - the text of a patchbay.ini */
'use strict';

/*
 * sections: { server: { workers: 2 }, 'route.echo': { path: '/echo' } }. A
 * section that is a string is taken as its lines.
 */
function iniText(sections) {
    return Object.entries(sections).map(([name, keys]) => {
        const lines = typeof keys === 'string' ? keys
            : Object.entries(keys)
                .map(([key, value]) => `${key} = ${value}\n`).join('');

        return `[${name}]\n${lines}`;
    }).join('\n');
}

module.exports = { iniText };
