// Lets debuggers attach to a worker that is not ours: loaded before it, with its arguments.
'use strict';

const { isMainThread } = require('worker_threads');

const { Inspector } = require('./inspect.cjs');

if (isMainThread) new Inspector(process.argv.slice(2)).beginAtOnce();
