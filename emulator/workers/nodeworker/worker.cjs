// The worker process: what it is started for, its connection to the host.
'use strict';

const net = require('net');

const core = require('./core.cjs');
const lifeline = require('./lifeline.cjs');
const modules = require('./modules.cjs');
const { Inspector } = require('./inspect.cjs');
const { Session } = require('./session.cjs');

// Serve until the host says stop or goes away. `args`: `--path P` or `--port N`, and what belongs
// to the debugger.
exports.run = function run(args) {
  const place = args[0] === '--path' ? args[1] : null;
  const pipe = lifeline.take();
  const first = lifeline.read(pipe);
  core.install();
  if (first.kind === 'start') {
    lifeline.watch(pipe, place);
    serve(args, first);
    return;
  }
  modules.warm(process.cwd(), first.modules);
  lifeline.watch(pipe, place, (start) => serve(args, start));
};

function serve(args, start) {
  // It also keeps the process alive, whatever the app does.
  const connection = connect(args, start);
  const session = new Session(connection, start, new Inspector(args.slice(2)));
  // From then on what is said leaves at once, even when the app never lets the loop turn again.
  connection.once('connect', () => session.begin());
}

// It is not inherited: Node.js would pass it on to what the app starts.
function connect([how, place], start) {
  const local = how === '--path';
  const connection = local ? net.connect(place) : net.connect(Number(place), '127.0.0.1');
  if (!local) connection.setNoDelay(true);
  connection.write(start.token, 'ascii');
  return connection;
}
