// The thread that watches the host, and how long the app takes to load.
'use strict';

const fs = require('fs');
const net = require('net');
const path = require('path');
const { parentPort, workerData } = require('worker_threads');

const { endGroup } = require('./group.cjs');

const { after, place } = workerData;
const pipe = new net.Socket({ fd: workerData.pipe, readable: true, writable: false });
let received = Buffer.alloc(0);
let waiting = null;

pipe.on('data', (data) => {
  received = Buffer.concat([received, data]);
  while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
    const end = 4 + received.readUInt32BE(0);
    parentPort.postMessage(JSON.parse(received.toString('utf8', 4, end)));
    received = received.subarray(end);
  }
});
pipe.on('error', () => {});
pipe.on('close', () => {
  if (place) fs.rmSync(path.dirname(place), { recursive: true, force: true });
  endGroup();
});

// The main thread says which file it loads, and `null` when it has loaded them all.
parentPort.on('message', (file) => {
  clearInterval(waiting);
  if (file === null) return;
  let seconds = 0;
  waiting = setInterval(() => {
    seconds += after;
    const text = `The app is still being loaded after ${seconds} s: it is at ${file}\n`;
    try {
      fs.writeSync(2, text); // past everything user code may have replaced; the loop is busy
    } catch {
      // nobody reads it
    }
  }, after * 1000);
});
