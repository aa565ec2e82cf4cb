// Where a syntax error in an ES module is: Node.js does not tell those who import it.
'use strict';

const { spawnSync } = require('child_process');

const { graph } = require('./modules.cjs');

const LONGEST = 5000; // milliseconds

// What another Node.js is asked: with this option it compiles a module without loading what that
// imports. An error nobody catches it prints with its place.
const OPTIONS = ['--experimental-vm-modules', '--no-warnings'];
const PROGRAM = `
  const { readFileSync } = require('fs');
  const { SourceTextModule } = require('vm');
  for (const identifier of JSON.parse(readFileSync(0, 'utf8'))) {
    new SourceTextModule(readFileSync(identifier, 'utf8'), { identifier });
  }
`;

// Let a syntax error that names no place tell it; `entries` are the files the app began with.
function locate(error, entries) {
  if (error?.name !== 'SyntaxError' || !/^SyntaxError: .*\n\s+at /.test(String(error.stack)))
    return;
  const { stderr } = spawnSync(process.execPath, [...OPTIONS, '-e', PROGRAM], {
    input: JSON.stringify([...graph(entries).keys()]),
    env: {},
    encoding: 'utf8',
    timeout: LONGEST,
  });
  const [told] = String(stderr ?? '').split(/\n\s+at /);
  if (/^.+:\d+\n/.test(told)) error.stack = told;
}

module.exports = { locate };
