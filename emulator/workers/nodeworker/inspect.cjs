// The debugger of Node.js: begun by us, because its port is free only when the worker before us,
// which served until now, has ended.
'use strict';

const fs = require('fs');
const inspector = require('inspector');
const net = require('net');

const ARGUMENT = /^--(inspect(?:-brk|-wait)?)(?:=(?:(?:(.*):)?(\d+)|(.+)))?$/;
const RETRY = 200; // milliseconds
const PATIENCE = 10000; // milliseconds after which it is told that the port stays in use

class Inspector {
  // `args` are what Node.js itself would have been given: `--inspect=…` and its kin.
  constructor(args, patience = PATIENCE) {
    this._patience = patience;
    this._wanted = null;
    for (const arg of args) {
      const found = ARGUMENT.exec(arg);
      if (!found) continue;
      const [, kind, host, port, onlyHost] = found;
      this._wanted = {
        waits: kind !== 'inspect',
        host: host || onlyHost || '127.0.0.1',
        port: port === undefined ? 9229 : Number(port),
      };
    }
  }

  // Listen, or do so as soon as nobody else does. Only a first worker waits for a debugger: the
  // others take over while people work.
  async begin() {
    if (this._wanted === null || inspector.url()) return;
    const { host, port, waits } = this._wanted;
    if (await isFree(host, port)) {
      inspector.open(port, host, waits);
      return;
    }
    const late = setTimeout(() => tellInUse(port), this._patience).unref();
    const look = async () => {
      if (!(await isFree(host, port))) {
        setTimeout(look, RETRY).unref();
        return;
      }
      clearTimeout(late);
      inspector.open(port, host);
    };
    setTimeout(look, RETRY).unref();
  }

  // As `begin`, where nobody waits for us: only who is to wait for a debugger does, here and now.
  beginAtOnce() {
    const { host, port, waits } = this._wanted ?? {};
    if (waits) inspector.open(port, host, true);
    this.begin();
  }
}

function tellInUse(port) {
  const told =
    `Warning: no debugger can attach yet: the port ${port} is in use, by calls that still run in` +
    ' the version before, or by another program. Choose another port with --debug, or where' +
    ' --inspect is set.\n';
  try {
    fs.writeSync(2, told);
  } catch {
    // nobody reads it
  }
}

function isFree(host, port) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.on('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

module.exports = { Inspector };
