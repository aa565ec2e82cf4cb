// How much memory the worker takes beside what the app holds.
//
// What undici's requests and responses hold is garbage only once all memory is looked through:
// about 10 kB for each call. By itself Node.js does so when there is four times as much as before,
// and takes 32 MB for what is new. Any such flag makes what is loaded after it slower, since then
// nothing of Node.js itself comes compiled: so they are set once there were some calls.
'use strict';

const v8 = require('v8');

const OLD = '--heap-growing-percent=50';
const YOUNG = 8 << 20; // bytes for what is new; without growing any more it would stay at less
const FIRST = 8; // calls
const LOOK_EVERY = 256; // calls

let calls = 0;
let grows = true;

exports.called = function called() {
  calls += 1;
  if (calls === FIRST) v8.setFlagsFromString(OLD);
  if (calls === FIRST || calls % LOOK_EVERY === 0) look();
};

// What was not used for a while is given back, and has to grow again.
function look() {
  const young = v8.getHeapSpaceStatistics().find((each) => each.space_name === 'new_space');
  const small = young.space_size < YOUNG;
  if (small !== grows) v8.setFlagsFromString(`--semi-space-growth-factor=${small ? 2 : 1}`);
  grows = small;
}
