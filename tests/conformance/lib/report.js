/* report.js - results as a table for the terminal, and as Markdown */
'use strict';

const { VERDICTS } = require('./play.js');

const count = (results, verdict) =>
    results.filter((each) => each.verdict === verdict).length;

/* { number, title, results } for each section that was run. */
function bySection(sections, results) {
    return sections.map(({ number, title }) => ({
        number, title,
        results: results.filter(({ id }) => id.startsWith(`${number}.`)),
    })).filter(({ results: some }) => some.length > 0);
}

const seconds = (results) =>
    (results.reduce((sum, { ms }) => sum + ms, 0) / 1000).toFixed(1);

function summary(parts) {
    const rows = [['section', '', 'cases', ...VERDICTS, 'seconds']];

    for (const { number, title, results } of parts) {
        rows.push([number, title, results.length,
            ...VERDICTS.map((verdict) => count(results, verdict)),
            seconds(results)]);
    }
    const all = parts.flatMap(({ results }) => results);

    rows.push(['', 'all', all.length,
        ...VERDICTS.map((verdict) => count(all, verdict)), seconds(all)]);
    return rows.map((row) => row.map(String));
}

function columns(rows) {
    const widths = rows[0].map((_, i) =>
        Math.max(...rows.map((row) => row[i].length)));

    return rows.map((row) => row.map((cell, i) => i === 1
        ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join('  '))
        .join('\n');
}

const line = ({ id, verdict, says, why }) =>
    `${id.padEnd(9)} ${verdict.padEnd(10)} ${says}` +
    (why ? `\n${' '.repeat(21)}${why}` : '');

/* all: each case; else those that are not OK. */
function text(mode, parts, { all }) {
    const shown = parts.flatMap(({ results }) => results)
        .filter(({ verdict }) => all || verdict !== 'OK').map(line);

    return [`mode: ${mode}`, '', ...shown, ...shown.length > 0 ? [''] : [],
        columns(summary(parts)), ''].join('\n');
}

const cell = (words) => words.replaceAll('|', '\\|').replaceAll('\n', ' ')
    .replaceAll('<', '&lt;');

function markdown(mode, parts) {
    const table = (rows) => [rows[0], rows[0].map(() => '---'), ...rows.slice(1)]
        .map((row) => `| ${row.map((each) => cell(each)).join(' | ')} |`)
        .join('\n');

    return [`# Conformance to RFC 6455 and RFC 7692: ${mode}`, '',
        table(summary(parts)), '',
        ...parts.flatMap(({ number, title, results }) => [
            `## ${number}. ${title}`, '',
            table([['case', 'expected', 'verdict', 'ms', 'why'],
                ...results.map(({ id, says, verdict, ms, why }) =>
                    [id, says, verdict, ms.toFixed(1), why])]), '',
        ])].join('\n');
}

module.exports = { bySection, markdown, text };
