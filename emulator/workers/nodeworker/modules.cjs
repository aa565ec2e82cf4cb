// Modules that are not the app's: which were loaded, and loading them ahead of need.
//
// CommonJS modules are named by their files, in the order they were loaded. Packages that ES
// modules of the app import are named as they are there: nobody tells which files those loaded.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');

const PACKAGES = `${path.sep}node_modules${path.sep}`;
const IMPORTED = 'import:';
const IMPORT =
  /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*(['"])([^'"\n]+)\1|\bimport\s*(['"])([^'"\n]+)\3/g;
const MOST_FILES = 500;

// Name what was loaded of packages for the app at `root`, which began with the files `entries`.
function foreign(root, entries) {
  const required = Object.keys(require.cache).filter((file) => file.includes(PACKAGES));
  return [...required, ...imported(root, entries)];
}

function imported(root, entries) {
  const packages = new Set();
  for (const [, names] of graph(entries)) {
    for (const name of names) {
      const isOutside =
        !isPath(name) && !name.includes(':') && !Module.builtinModules.includes(name);
      if (isOutside) packages.add(name);
    }
  }
  return [...packages].filter((name) => isPackage(root, name)).map((name) => IMPORTED + name);
}

// Return the ES modules of an app, and what each of them imports by name.
function graph(entries) {
  const found = new Map();
  const waiting = entries.filter((file) => !require.cache[file]);
  while (waiting.length && found.size < MOST_FILES) {
    const file = waiting.pop();
    if (found.has(file)) continue;
    const names = importsOf(file);
    found.set(file, names);
    waiting.push(...names.filter(isPath).map((name) => path.resolve(path.dirname(file), name)));
  }
  return found;
}

const isPath = (name) => /^\.{0,2}\//.test(name);

function importsOf(file) {
  try {
    const text = fs.readFileSync(file, 'utf8');
    return Array.from(text.matchAll(IMPORT), (found) => found[2] ?? found[4]);
  } catch {
    return [];
  }
}

// A package that is linked from elsewhere is the user's own work: it changes like the app.
function isPackage(root, name) {
  const [scope, rest] = name.split('/');
  const folder = scope.startsWith('@') ? path.join(scope, rest ?? '') : scope;
  for (let at = root; ; at = path.dirname(at)) {
    const place = path.join(at, 'node_modules', folder);
    if (fs.existsSync(place)) return fs.realpathSync(place).includes(PACKAGES);
    if (at === path.dirname(at)) return false;
  }
}

// Load modules ahead of need. What cannot be loaded now is the app's business later.
function warm(root, names) {
  for (const name of names) {
    if (name.startsWith(IMPORTED)) {
      importFrom(root, name.slice(IMPORTED.length));
    } else if (!require.cache[name]) {
      try {
        require(name);
      } catch {
        delete require.cache[name];
      }
    }
  }
}

// Import a package as a module of the app would: what is found depends on who asks.
function importFrom(root, name) {
  const asking = new Module(path.join(root, 'import.cjs'));
  asking.filename = asking.id;
  asking.paths = Module._nodeModulePaths(root);
  asking._compile('module.exports = (name) => import(name);', asking.filename);
  asking.exports(name).catch(() => {});
}

module.exports = { foreign, graph, warm };
