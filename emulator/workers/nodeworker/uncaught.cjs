// Errors nobody catches: they end the process, as everywhere in Node.js; the call they belong to is
// told before.
'use strict';

const { running } = require('./logs.cjs');

// `flush` writes at once what was sent.
exports.watchFailures = function watchFailures(calls, flush) {
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    // An app that listens itself decides itself; the process goes on.
    if (process.listenerCount('uncaughtException')) return;
    const call = running.getStore();
    if (call) calls.fail(call.id, error, origin);
    flush();
  });
};
