// The worker process: what it is started for, its connection to the host.
'use strict';

const net = require('net');

const core = require('./core.cjs');
const lifeline = require('./lifeline.cjs');
const modules = require('./modules.cjs');
const { Inspector } = require('./inspect.cjs');
const { Session } = require('./session.cjs');

// Serve until the host says stop or goes away. `args`: `--fd N` or `--port N`, and what belongs to
// the debugger.
exports.run = function run(args) {
  const pipe = lifeline.take();
  const first = lifeline.read(pipe);
  core.install();
  if (first.kind === 'start') {
    serve(args, first, lifeline.watch(pipe));
    return;
  }
  modules.warm(process.cwd(), first.modules);
  const watcher = lifeline.watch(pipe, (start) => serve(args, start, watcher));
};

function serve(args, start, watcher) {
  const connection = connect(args, start);
  // It also keeps the process alive, whatever the app does.
  connection.ref();
  new Session(connection, start, watcher, new Inspector(args.slice(2))).begin();
}

function connect([how, number], start) {
  if (how === '--fd') {
    return new net.Socket({ fd: Number(number), readable: true, writable: true });
  }
  const connection = net.connect(Number(number), '127.0.0.1');
  connection.setNoDelay(true);
  connection.write(start.token, 'ascii');
  return connection;
}
