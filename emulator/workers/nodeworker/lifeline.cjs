// The pipe whose other end the host holds: what to start for, and that the host is still there.
'use strict';

const fs = require('fs');
const net = require('net');
const path = require('path');

const { endGroup } = require('./group.cjs');

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

// End everything when the host is gone; while user code blocks the loop, the guard that the host
// has put beside us does. Later messages go to `onMessage`. `place` is where the host waits for a
// connection, which is to be gone with it.
exports.watch = function watch(descriptor, place, onMessage) {
  const pipe = new net.Socket({ fd: descriptor, readable: true, writable: false });
  let received = Buffer.alloc(0);
  pipe.on('data', (data) => {
    received = Buffer.concat([received, data]);
    while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
      const end = 4 + received.readUInt32BE(0);
      onMessage(JSON.parse(received.toString('utf8', 4, end)));
      received = received.subarray(end);
    }
  });
  pipe.on('error', () => {});
  pipe.on('close', () => {
    if (place) fs.rmSync(path.dirname(place), { recursive: true, force: true });
    endGroup();
  });
};
