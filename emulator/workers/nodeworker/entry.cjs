// What of an app is loaded: the files that `main` in its package.json names.
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

const { glob } = require('./glob.cjs');

// An app that declares nothing, with what to do about it; there is no stack to show.
class EntryError extends Error {
  constructor(message) {
    super(message);
    this.name = 'EntryError';
    this.stack = `EntryError: ${message}`;
  }
}

// Return package.json, as far as it is of use here; an app can do without.
function readPackage(root) {
  const file = path.join(root, 'package.json');
  let text;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
  let fields;
  try {
    fields = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    error.stack = `${file}:${lineOf(text)}\n${error.name}: ${error.message}`;
    throw error;
  }
  const { main, type, scripts } = fields ?? {};
  return {
    main: typeof main === 'string' ? main : '',
    type: typeof type === 'string' ? type : '',
    isBuilt: Boolean(scripts?.build),
  };
}

// Newer versions of Node.js do not say where it is: it is in the first line that does not go on.
function lineOf(text) {
  const lines = text.split('\n');
  for (let count = 1; count < lines.length; count++) {
    const begin = lines.slice(0, count).join('\n');
    try {
      JSON.parse(begin);
    } catch ({ message }) {
      const position = Number(/position (\d+)/.exec(message)?.[1] ?? NaN);
      if (!/end of|Unterminated/.test(message) && position !== begin.length) return count;
    }
  }
  return lines.length;
}

// Return the files to load. Without any the folders with function.json count; `warn` tells of a
// `main` that is of no use to such an app.
function entryFiles(root, fields, warn) {
  const main = fields?.main ?? '';
  const files = main ? glob(root, main) : [];
  if (files.length) return files;
  if (hasFolders(root)) {
    if (main) warn(`"main" in package.json is "${main}", which names no file; it is left out.`);
    return [];
  }
  if (fields === null) return []; // what such an app lacks the host knows better
  throw new EntryError(main ? noFile(root, fields) : noMain(root));
}

function hasFolders(root) {
  return fs.readdirSync(root).some((name) => fs.existsSync(path.join(root, name, 'function.json')));
}

function noFile(root, { main, isBuilt }) {
  const told = `"main" in package.json is "${main}", which names no file.`;
  const near = ['.js', '.mjs', '.cjs'].map((end) => main + end);
  const meant = near.find((name) => fs.existsSync(path.join(root, name)));
  if (meant) return `${told} Did you mean "${meant}"?`;
  if (isBuilt && /^(\.\/)?(dist|build|out|lib)\//.test(main)) {
    return `${told} Build the app first: npm run build.`;
  }
  return `${told} It has to name the files that declare functions, such as "src/functions/*.js".`;
}

function noMain(root) {
  const usual = ['src/functions/*.js', 'src/functions/*.mjs', 'functions/*.js'];
  const found = usual.find((pattern) => glob(root, pattern).length);
  const such = found ? `add "main": "${found}"` : 'such as "main": "src/functions/*.js"';
  return `package.json has no "main". It has to name the files that declare functions: ${such}.`;
}

// Load a file as the module it is: the rule is the official worker's.
async function loadFile(file, type) {
  const isModule = file.endsWith('.mjs') || (!file.endsWith('.cjs') && type === 'module');
  return isModule ? import(pathToFileURL(file).href) : require(file);
}

module.exports = { entryFiles, loadFile, readPackage };
