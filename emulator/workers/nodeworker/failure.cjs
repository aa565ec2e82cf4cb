// Errors as data: type, message and the stack cut to the app's own frames.
'use strict';

const fs = require('fs');
const path = require('path');
const { fileURLToPath } = require('url');
const { inspect } = require('util');

const FRAME = /^\s+at /;
const PLACE = /(?:\(|at (?:async )?)((?:file:\/\/)?[^()]+?):(\d+):\d+\)?$/;
const SYNTAX_PLACE = /^((?:file:\/\/)?[^\n]+?):(\d+)$/;
const CAUSES = 10;

// Return whatever was thrown as the fields of a failure.
function describe(thrown, root) {
  const error = asError(thrown);
  try {
    const [file, line] = placeOf(error, root);
    // Who required whom is in the stack.
    const message = String(error.message).split('\nRequire stack:')[0];
    return { type: typeOf(error), message, stack: stackOf(error, root), file, line };
  } catch {
    // An error class may break even its own printing.
    return { type: 'Error', message: 'the error cannot be shown', stack: '' };
  }
}

// As above, for what keeps code from being loaded: it is shown with the line it is at, as Node.js
// shows syntax errors.
function describeLoading(thrown, root) {
  const failure = describe(thrown, root);
  const { file, line, stack } = failure;
  const shown = /^(?:file:\/\/)?[^\n]+:\d+\n/.test(stack) ? null : sourceLine(file, line);
  return shown ? { ...failure, stack: `${file}:${line}\n${shown}\n\n${stack}` } : failure;
}

function sourceLine(file, line) {
  try {
    return file && line ? fs.readFileSync(file, 'utf8').split(/\r?\n/)[line - 1] : null;
  } catch {
    return null;
  }
}

// Anything can be thrown; what is no error is told as the official worker tells it.
function asError(thrown) {
  if (thrown instanceof Error) return thrown;
  // Errors of other contexts (`vm`, tests) are no instances of ours.
  if (typeof thrown?.stack === 'string' && typeof thrown.message === 'string') return thrown;
  if (thrown === undefined || thrown === null) return new Error('Unknown error');
  if (typeof thrown === 'string') return new Error(thrown);
  return new Error(asJson(thrown) ?? inspect(thrown, { depth: 4 }));
}

// Not everything can be written as JSON: functions, and what contains itself.
function asJson(thrown) {
  try {
    return JSON.stringify(thrown);
  } catch {
    return undefined;
  }
}

function typeOf(error) {
  return String(error.name || error.constructor?.name || 'Error');
}

function isAppFile(file, root) {
  return file.startsWith(root + path.sep) && !file.includes(`${path.sep}node_modules${path.sep}`);
}

// Return the app's file and line nearest to where the error arose.
function placeOf(error, root) {
  for (const each of chain(error)) {
    const lines = String(each.stack ?? '').split('\n');
    for (const text of [lines[0], ...lines.filter((line) => FRAME.test(line))]) {
      const found = PLACE.exec(text) ?? SYNTAX_PLACE.exec(text);
      if (found && isAppFile(asPath(found[1]), root)) return [asPath(found[1]), Number(found[2])];
    }
  }
  return importerOf(String(error.message));
}

// What cannot be imported is told with the file that does; its line is where the name stands.
function importerOf(message) {
  const found = /'([^']+)' imported from (\/.+|\w:.+)$/m.exec(message);
  if (!found) return [null, null];
  const [, name, file] = found;
  try {
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    const at = lines.findIndex((line) =>
      [`'${name}'`, `"${name}"`].some((each) => line.includes(each))
    );
    return [file, at < 0 ? null : at + 1];
  } catch {
    return [null, null];
  }
}

// Lists of who required whom lead to us.
function withoutOurs(text) {
  return text
    .split('\n')
    .filter((line) => !line.startsWith(`- ${__dirname}${path.sep}`))
    .join('\n');
}

function asPath(text) {
  try {
    return text.startsWith('file://') ? fileURLToPath(text) : text;
  } catch {
    return text;
  }
}

function chain(error) {
  const found = [];
  for (
    let each = error;
    each && found.length < CAUSES && !found.includes(each);
    each = each.cause
  ) {
    if (each instanceof Error || typeof each.stack === 'string') found.push(each);
  }
  return found;
}

function stackOf(error, root) {
  return chain(error)
    .map((each, at) => (at ? '  [cause]: ' : '') + cut(each, root))
    .join('\n');
}

// Keep the app's frames, and the first one wherever it is: there the error arose.
function cut(error, root) {
  const lines = withoutOurs(String(error.stack || `${typeOf(error)}: ${error.message}`)).split(
    '\n'
  );
  const frames = lines.filter((line) => FRAME.test(line) && !isMachinery(line));
  const kept = frames.filter((line, at) => at === 0 || isAppFrame(line, root));
  const rest = Array.isArray(error.errors) ? error.errors.map((each) => `  [error]: ${each}`) : [];
  return [...lines.filter((line) => !FRAME.test(line)), ...kept, ...rest].join('\n').trimEnd();
}

function isAppFrame(line, root) {
  const found = PLACE.exec(line);
  return found !== null && isAppFile(asPath(found[1]), root);
}

function isMachinery(line) {
  return line.includes(__dirname + path.sep) || /\(?node:internal\//.test(line);
}

// Return where the app called, from a stack: file and line.
function callerOf(stack, root) {
  return placeOf({ stack }, root);
}

module.exports = { callerOf, describe, describeLoading };
