// reference.mjs - makes sdk/doc/reference.md of the comments in the headers
//
// usage: node reference.mjs INCLUDE_DIR            prints it
//        node reference.mjs INCLUDE_DIR REFERENCE  ends with 1 if that differs
//
// A header is read in order: a line "---- title ----" begins a section, a comment
// belongs to the declarations below it, up to the next comment or empty line. A
// public declaration without a comment is an error.
import * as fs from 'node:fs';
import { join } from 'node:path';

const HEADERS = ['patchbay.h', 'patchbay/presence.h', 'patchbay_test.h'];

/* What is no declaration of its own. */
const PLUMBING = /^(#|extern "C"|\}$|BAY_PRINTF\(\d, \d\)$)/;

function clean(comment) {
  return comment.replace(/^\/\*+ ?|\s*\*\/$/g, '').split('\n')
    .map((line) => line.replace(/^ \* ?| \*$/, '').trimEnd()).join('\n').trim();
}

/* Comments, sections and chunks of declarations, in order, with their lines. */
function tokens(text) {
  const found = [];
  const pattern = /\/\*[^]*?\*\/|\n[ \t]*\n|[^\n]+/g;

  for (const match of text.matchAll(pattern)) {
    const line = text.slice(0, match.index).split('\n').length;
    const [token] = match;

    if (token.startsWith('/*')) {
      const title = /^\/\* -+ (.*?) -+ \*\/$/.exec(token);

      found.push(title ? { kind: 'section', text: title[1], line }
        : { kind: 'comment', text: clean(token), line });
    } else if (token.trim() === '') {
      found.push({ kind: 'gap', line });
    } else {
      found.push({ kind: 'code', text: token, line });
    }
  }
  return found;
}

/* Names that a chunk declares. */
function namesOf(code) {
  const names = [];
  const add = (pattern) => {
    for (const [, name] of code.matchAll(pattern)) {
      names.push(name);
    }
  };

  add(/\b(bay_\w+)\s*\((?=[^)]*)/g);
  add(/^\} (bay_\w+);/gm);
  add(/^typedef [^({]*?\b(bay_\w+);/gm);
  add(/^enum (bay_\w+)/gm);
  add(/^#define (BAY_\w+)/gm);
  return [...new Set(names)];
}

/* Entries: { section, comment, code, line, names }. */
function entries(text, errors, header) {
  const list = [];
  let section = '';
  let comment = null;
  let depth = 0;
  let current = null;

  const end = () => {
    if (current !== null) {
      current.code = current.code.join('\n');
      current.names = namesOf(current.code);
      list.push(current);
    }
    current = null;
  };

  for (const token of tokens(text)) {
    if (depth > 0) { /* inside of a struct or enum: all of it is one entry */
      current.code.push(token.kind === 'comment' ? token.raw : token.text ?? '');
    } else if (token.kind === 'section') {
      end();
      section = token.text;
      comment = null;
    } else if (token.kind === 'comment') {
      end();
      comment = token;
    } else if (token.kind === 'gap') {
      comment = current !== null ? null : comment; /* it has had its say */
      end();
    } else if (!PLUMBING.test(token.text.trim()) || /^#define BAY_/.test(token.text)) {
      current ??= { section, comment: comment?.text, code: [], line: token.line };
      current.code.push(token.text);
      if (comment === null && !token.text.includes('/*') &&
          namesOf(token.text).length > 0) {
        errors.push(`${header}:${token.line}: no comment covers ` +
          namesOf(token.text).join(', '));
      }
    }
    if (token.kind === 'code' && current !== null) {
      depth += (token.text.match(/\{/g) ?? []).length -
        (token.text.match(/\}/g) ?? []).length;
      depth = Math.max(depth, 0);
    }
  }
  end();
  return list;
}

/* Structs are read from the text itself, with the comments inside. */
function withBodies(text) {
  return text.replace(/^((?:typedef struct|typedef enum|enum|struct)[^;{]*\{)([^]*?)^\}/gm,
    (all, head, body) => `${head}${body.replace(/\/\*/g, '\u0001')
      .replace(/\*\//g, '\u0002').replace(/\n[ \t]*\n/g, '\n\u0003\n')}}`);
}

const restore = (code) => code.replace(/\u0001/g, '/*').replace(/\u0002/g, '*/')
  .replace(/^\u0003$/gm, '');

const anchor = (title) => title.toLowerCase().replace(/[^a-z0-9_ -]/g, '')
  .replaceAll(' ', '-');

function render(header, text, errors) {
  const [contract] = tokens(text).filter(({ kind }) => kind === 'comment');
  const list = entries(withBodies(text), errors, header)
    .filter(({ names, section }) => names.length > 0 && section !== '');
  const out = [`## ${header}`, '', '```text', contract.text, '```', ''];
  let section;

  for (const entry of list) {
    if (entry.section !== section) {
      section = entry.section;
      out.push(`### ${header}: ${section}`, '');
    }
    out.push(`<a name="${entry.names[0]}"></a>`, '', '```c',
      restore(entry.code), '```', '', entry.comment ?? '', '');
  }
  return { out, sections: [...new Set(list.map((entry) => entry.section))], list };
}

function reference(folder, errors) {
  const parts = HEADERS.map((header) => [header, render(header,
    fs.readFileSync(join(folder, header), 'utf8'), errors)]);
  const out = ['# Reference', '',
    'Made of the comments of [patchbay.h](../include/patchbay.h), its part',
    '[presence.h](../include/patchbay/presence.h), and [patchbay_test.h](../include/patchbay_test.h)',
    'by `reference.mjs`: edit those, not this. The contract that holds for all of it stands first.',
    '[text.h](../include/patchbay/text.h), for names and messages that people write, explains itself.', ''];

  for (const [header, { sections }] of parts) {
    out.push(`* [${header}](#${anchor(header)})`);
    for (const section of sections) {
      out.push(`  * [${section}](#${anchor(`${header}: ${section}`)})`);
    }
  }
  out.push('');
  for (const [, { out: text }] of parts) {
    out.push(...text);
  }
  return `${out.join('\n').replace(/\n{3,}/g, '\n\n').trimEnd()}\n`;
}

const [folder, made] = process.argv.slice(2);
const errors = [];
const text = reference(folder, errors);

for (const error of errors) {
  console.error(error);
}
if (made === undefined) {
  process.stdout.write(text);
} else if (fs.readFileSync(made, 'utf8') !== text) {
  console.error(`${made} is not what the headers say: node ` +
    `sdk/doc/reference.mjs sdk/include > sdk/doc/reference.md`);
  process.exitCode = 1;
}
if (errors.length > 0) {
  process.exitCode = 1;
}
