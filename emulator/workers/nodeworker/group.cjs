// The end of the worker and of all that the app has started in it.
'use strict';

exports.endGroup = function endGroup() {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.kill(process.pid, 'SIGKILL'); // it leads no group, or there are none
  }
};
