// Which files a pattern names: `*`, `?`, `[]`, `**`, `{a,b}`, `!()`, `@()`, `+()`, `*()`, `?()`. As
// on Azure names that begin with a dot have to be asked for, and a folder stands for all in it when
// the pattern is its name.
'use strict';

const fs = require('fs');
const path = require('path');

const MAGIC = /[*?[\]{}()!+@]/;

// Return the files below `root` that `pattern` names, relative to it, with slashes: what its braces
// stand for one after the other, each sorted.
function glob(root, pattern) {
  if (pattern.startsWith('!')) return []; // it only excludes
  const found = new Set();
  if (fs.statSync(path.join(root, pattern), { throwIfNoEntry: false })?.isDirectory()) {
    everything(root, path.posix.normalize(pattern).replace(/^\.$|\/$/, ''), found);
    return [...found].sort();
  }
  for (const each of braces(pattern)) {
    const parts = path.posix
      .normalize(each)
      .split('/')
      .filter((part) => part && part !== '.');
    const files = new Set();
    walk(root, '', parts, files);
    for (const file of [...files].sort()) found.add(file);
  }
  return [...found];
}

function walk(root, at, parts, found) {
  if (!parts.length) return; // a folder that a pattern happens to match
  const [first, ...rest] = parts;
  if (first === '**') {
    walk(root, at, rest.length ? rest : ['*'], found);
    for (const entry of entries(root, at)) {
      if (entry.isFolder && !hidden(entry.name, first))
        walk(root, join(at, entry.name), parts, found);
    }
    return;
  }
  if (!MAGIC.test(first)) {
    step(root, join(at, first), rest, found);
    return;
  }
  const matches = new RegExp(`^(?:${source(first)})$`, 's');
  for (const { name } of entries(root, at)) {
    if (matches.test(name) && !hidden(name, first)) step(root, join(at, name), rest, found);
  }
}

function step(root, at, rest, found) {
  const stat = fs.statSync(path.join(root, at), { throwIfNoEntry: false });
  if (stat?.isDirectory()) walk(root, at, rest, found);
  else if (stat?.isFile() && !rest.length) found.add(at);
}

function everything(root, folder, found) {
  for (const { name, isFolder } of entries(root, folder)) {
    if (hidden(name, '*')) continue;
    if (isFolder) everything(root, join(folder, name), found);
    else found.add(join(folder, name));
  }
}

const join = (folder, name) => (folder ? `${folder}/${name}` : name);

// Packages are nobody's functions, unless the pattern names them.
function hidden(name, pattern) {
  return name === 'node_modules' || (name.startsWith('.') && !pattern.startsWith('.'));
}

function entries(root, folder) {
  try {
    return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).map((each) => ({
      name: each.name,
      isFolder: each.isSymbolicLink()
        ? Boolean(
            fs
              .statSync(path.join(root, folder, each.name), { throwIfNoEntry: false })
              ?.isDirectory()
          )
        : each.isDirectory(),
    }));
  } catch {
    return []; // no folder, or one that lets nobody in
  }
}

// Return what the braces of a pattern stand for.
function braces(pattern) {
  const open = pattern.indexOf('{');
  const close = open < 0 ? -1 : closing(pattern, open, '{', '}');
  if (close < 0) return [pattern];
  const choices = choicesOf(pattern.slice(open + 1, close), ',', '{', '}');
  const after = braces(pattern.slice(close + 1));
  if (choices.length === 1) {
    const literal = `${pattern.slice(0, open)}\\{${choices[0]}\\}`;
    return after.map((rest) => literal + rest);
  }
  return choices.flatMap((choice) =>
    braces(choice).flatMap((middle) => after.map((rest) => pattern.slice(0, open) + middle + rest))
  );
}

function closing(text, open, opens, closes) {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === opens) depth++;
    else if (text[at] === closes && --depth === 0) return at;
  }
  return -1;
}

function choicesOf(text, separator, opens, closes) {
  const choices = [];
  let depth = 0;
  let begin = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === opens) depth++;
    else if (text[at] === closes) depth--;
    else if (text[at] === separator && !depth) {
      choices.push(text.slice(begin, at));
      begin = at + 1;
    }
  }
  return [...choices, text.slice(begin)];
}

// Return the regular expression of one part of a path.
function source(part) {
  let result = '';
  for (let at = 0; at < part.length; at++) {
    const char = part[at];
    const close = part[at + 1] === '(' ? closing(part, at + 1, '(', ')') : -1;
    if (close > 0 && '!@+*?'.includes(char)) {
      const choices = choicesOf(part.slice(at + 2, close), '|', '(', ')')
        .map(source)
        .join('|');
      const rest = source(part.slice(close + 1));
      // What is excluded is so only together with what follows it.
      if (char === '!') return `${result}(?!(?:${choices})${rest}$).*?${rest}`;
      return `${result}(?:${choices})${char === '@' ? '' : char}${rest}`;
    }
    const set = char === '[' ? /^\[([!^]?)((?:\]|\\.)?[^\]]*)\]/.exec(part.slice(at)) : null;
    if (set) {
      result += `[${set[1] ? '^' : ''}${set[2].replace(/[\\\]]/g, '\\$&')}]`;
      at += set[0].length - 1;
    } else if (char === '*') {
      result += '.*';
    } else if (char === '?') {
      result += '.';
    } else {
      if (char === '\\' && at + 1 < part.length) at++;
      result += part[at].replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    }
  }
  return result;
}

module.exports = { glob };
