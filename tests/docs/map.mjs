// map.mjs - host/README.md has each file of the host, described by its first
// line, and no other; the links in all documents lead somewhere; README.md
// shows echo.c as it is
//
// usage: node map.mjs SOURCE_DIR [--write]    --write: mend host/README.md
import { existsSync, readFileSync, readdirSync, writeFileSync }
  from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = process.argv[2];
const write = process.argv[3] === '--write';
const problems = [];
const text = (file) => readFileSync(join(root, file), 'utf8');

// "buf" for buf.c and buf.h, else the name as it is: { name: first line }.
function described(layer) {
  const files = readdirSync(join(root, 'host', layer)).sort();
  return Object.fromEntries(files.map((file) => {
    const stem = file.replace(/\.[ch]$/, '');
    const both = files.includes(`${stem}.c`) && files.includes(`${stem}.h`);
    const [, says] = /^\/\* \S+ - (.*?)(?: \*\/)?$/m
      .exec(text(`host/${layer}/${both ? `${stem}.c` : file}`)) ?? [];
    return [both ? stem : file, says];
  }));
}

// The map as it should be: below each heading "### LAYER/" its files, those
// that are there already in the order they have.
function map_of(old) {
  const sections = old.split(/^(?=### [a-z]+\/$)/m);
  const layers = readdirSync(join(root, 'host'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'doc')
    .map(({ name }) => name);
  for (const layer of layers) {
    if (!sections.some((section) => section.startsWith(`### ${layer}/\n`))) {
      problems.push(`host/README.md has no heading "### ${layer}/"`);
    }
  }
  return sections.map((section) => {
    const layer = /^### ([a-z]+)\//.exec(section)?.[1];
    if (!layer) {
      return section;
    }
    const says = layers.includes(layer) ? described(layer) : {};
    const kept = [...section.matchAll(/^\* `([^`]+)`/gm)]
      .map(([, name]) => name).filter((name) => name in says);
    const names = new Set([...kept, ...Object.keys(says)]);
    const head = section.replace(/^\* `.*\n/gm, '').trimEnd();
    return `${head}\n\n` +
      [...names].map((name) => `* \`${name}\`: ${says[name]}\n`).join('') +
      '\n';
  }).join('').trimEnd() + '\n';
}

function check_map() {
  const old = text('host/README.md');
  const map = map_of(old);
  if (write) {
    writeFileSync(join(root, 'host/README.md'), map);
  } else if (map !== old) {
    const have = new Set(old.split('\n'));
    const want = new Set(map.split('\n'));
    have.forEach((line) => want.has(line) ||
      problems.push(`host/README.md has, but should not: ${line}`));
    want.forEach((line) => have.has(line) ||
      problems.push(`host/README.md lacks: ${line}`));
    problems.push('mend it by: node tests/docs/map.mjs . --write');
  }
}

// The name GitHub gives to a heading.
const anchor = (heading) => heading.trim().toLowerCase()
  .replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');

// A heading that occurs again gets a number.
function anchors(file) {
  const plain = text(file).replace(/^```[^]*?^```/gm, '');
  const seen = new Map();
  return [...plain.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const name = anchor(heading);
    const times = seen.get(name) ?? 0;
    seen.set(name, times + 1);
    return times ? `${name}-${times}` : name;
  });
}

function check_links(file) {
  const plain = text(file).replace(/^```[^]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, '');
  const links = [
    ...plain.matchAll(/\]\(([^()\s]+)(?: "[^"]*")?\)/g),
    ...plain.matchAll(/^\[[^\]]+\]: (\S+)/gm),
    ...plain.matchAll(/<(?:a|img)[^>]+(?:href|src)="([^"]+)"/g),
  ].map(([, link]) => link);
  for (const link of links) {
    if (/^[a-z]+:/.test(link)) {
      continue;
    }
    const [path, part] = link.split('#');
    const target = path ? relative(root, join(root, dirname(file), path))
      : file;
    if (!existsSync(join(root, target))) {
      problems.push(`${file}: ${link} leads nowhere`);
    } else if (part && target.endsWith('.md') &&
               !anchors(target).includes(part)) {
      problems.push(`${file}: ${link}: no such heading`);
    }
  }
}

function check_echo() {
  const shown = /^```c\n([^]*?)^```$/m.exec(text('README.md'))?.[1];
  const echo = text('plugins/echo/echo.c').replace(/^.*\n/, '');
  if (shown?.trim() !== echo.trim()) {
    problems.push('README.md shows another echo.c than plugins/echo/echo.c');
  }
}

// Those of the project: not what was built, installed or is hidden.
function documents(dir) {
  return readdirSync(join(root, dir), { withFileTypes: true })
    .filter(({ name }) => !/^(\.|build|node_modules$)/.test(name))
    .flatMap((entry) => {
      const path = join(dir, entry.name);
      return entry.isDirectory() ? documents(path)
        : path.endsWith('.md') ? [path] : [];
    });
}

documents('.').forEach(check_links);
check_map();
check_echo();
problems.forEach((problem) => console.error(problem));
process.exit(problems.length ? 1 : 0);
