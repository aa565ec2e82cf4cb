// Start of the worker process. Kept readable for old Nodes, which must be told what is wrong.
'use strict';

if (parseInt(process.versions.node, 10) < 18) {
  process.stderr.write(
    'funcemu-worker: Node.js ' +
      process.versions.node +
      ' of ' +
      process.execPath +
      ' is too old, 18 or newer is needed\n'
  );
  process.exit(78);
}

require('./worker.cjs').run(process.argv.splice(2));
