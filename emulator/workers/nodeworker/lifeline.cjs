// The pipe whose other end the host holds: what to start for, and that the host is still there.
'use strict';

const fs = require('fs');
const path = require('path');
const { Worker } = require('worker_threads');

const LONG_LOAD = 10; // seconds after which people ask what is going on

// Return the pipe; user code gets an empty standard input.
exports.take = function take() {
  if (process.platform === 'win32') return 0; // there is no other way to it by its number
  const pipe = fs.openSync('/dev/fd/0', 'r');
  fs.closeSync(0);
  fs.openSync('/dev/null', 'r'); // takes the free number, 0
  return pipe;
};

// Wait for one message and return it.
exports.read = function read(pipe) {
  return JSON.parse(readExactly(pipe, readExactly(pipe, 4).readUInt32BE(0)).toString());
};

function readExactly(pipe, length) {
  const data = Buffer.alloc(length);
  let have = 0;
  while (have < length) {
    const count = fs.readSync(pipe, data, have, length - have, null);
    if (!count) process.exit(1); // the host went away before it said anything
    have += count;
  }
  return data;
}

// Watch the pipe in a thread of its own, which ends everything when the host is gone, even while
// user code blocks the loop. Later messages go to `onMessage`. `place` is where the host waits for
// a connection, which is to be gone with it.
exports.watch = function watch(pipe, place, onMessage) {
  const watcher = new Worker(path.join(__dirname, 'watcher.cjs'), {
    workerData: { pipe, place, after: LONG_LOAD },
    execArgv: [],
    env: {},
  });
  if (onMessage) watcher.on('message', onMessage);
  else watcher.unref();
  return watcher;
};
