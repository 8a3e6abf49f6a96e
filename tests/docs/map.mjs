// map.mjs - host/README.md names every file of the host, and no others; the
// links in all documents lead somewhere; README.md shows echo.c as it is
//
// usage: node map.mjs SOURCE_DIR
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = process.argv[2];
const problems = [];
const text = (file) => readFileSync(join(root, file), 'utf8');

// The map: a heading "### base/ ..." for each layer, and in its section each
// file as `name.c`, `name.h`, or `name` for the pair of both.
function layers(map) {
  const found = new Map();
  let layer;
  for (const line of map.split('\n')) {
    const heading = /^#+ (?:`?([a-z]+)\/`?)?/.exec(line);
    if (heading) {
      layer = heading[1];
    } else if (layer) {
      const names = /^(?:\||-) *(`[^|]*?)(?:\||:)/.exec(line);
      for (const [, name] of names ? names[1].matchAll(/`([^`]+)`/g) : []) {
        found.set(`${layer}/${name}`, line);
      }
    }
  }
  return found;
}

function check_map() {
  const named = layers(text('host/README.md'));
  const folders = readdirSync(join(root, 'host'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'doc');
  const there = folders.flatMap(({ name }) =>
    readdirSync(join(root, 'host', name)).map((file) => `${name}/${file}`));
  for (const file of there) {
    if (!named.has(file) && !named.has(file.replace(/\.[ch]$/, ''))) {
      problems.push(`host/README.md does not name ${file}`);
    }
  }
  for (const name of named.keys()) {
    if (!there.some((file) => file.replace(/\.[ch]$/, '') === name ||
                              file === name)) {
      problems.push(`host/README.md names ${name}, which is not there`);
    }
  }
  if (named.size === 0) {
    problems.push('host/README.md names no file at all');
  }
}

// The name GitHub gives to a heading.
const anchor = (heading) => heading.trim().toLowerCase()
  .replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');

function anchors(file) {
  const plain = text(file).replace(/^```[^]*?^```/gm, '');
  return [...plain.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    anchor(heading));
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
