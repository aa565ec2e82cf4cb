// How much memory the worker takes beside what the app holds.
'use strict';

const v8 = require('v8');

// What undici's requests and responses hold is garbage only once all memory is looked through:
// about 10 kB for each call. By itself Node.js does so when there is four times as much as before.
const GROWING = '--heap-growing-percent=50';
const YOUNG = /^--max-semi-space-size=2$/; // as the host has it

exports.spare = function spare() {
  v8.setFlagsFromString(GROWING);
  const at = process.execArgv.findIndex((each) => YOUNG.test(each));
  if (at !== -1) process.execArgv.splice(at, 1); // what the app forks is not a worker
};
