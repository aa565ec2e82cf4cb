// Speaks with the host: messages in, answers and logs out.
'use strict';

const Module = require('module');

const { App } = require('./app.cjs');
const { endGroup } = require('./group.cjs');
const { Capture } = require('./logs.cjs');
const { watchFailures } = require('./uncaught.cjs');
const {
  PROTOCOL,
  Decoder,
  WireError,
  encode,
  inPieces,
  isLarge,
  unknownKind,
} = require('./wire.cjs');

const SMALL = 1 << 16; // what is less is copied together into one write

class Session {
  constructor(connection, start, inspector) {
    this._connection = connection;
    this._start = start;
    this._inspector = inspector;
    this._decoder = new Decoder();
    this._frames = [];
    this._large = [];
    this._largeSent = 0;
    this._flushLater = () => this.flush();
    this._app = null;
    connection.on('data', (data) => this._received(data));
    connection.on('drain', () => this._pump());
    connection.on('error', () => {}); // followed by its end
    connection.on('close', endGroup); // the host is gone
  }

  // Introduce ourselves, and index the app without being asked.
  async begin() {
    const { root } = this._start;
    const hello = {
      kind: 'hello',
      protocol: PROTOCOL,
      version: process.versions.node,
      executable: process.execPath,
      pid: process.pid,
      sdk: App.sdkVersion(root),
    };
    this.send(hello);
    this.flush();
    if (this._start.protocol !== PROTOCOL) return; // the host says so
    await this._inspector.begin();
    process.env.FUNCTIONS_WORKER_RUNTIME_VERSION ??= process.versions.node.split('.')[0];
    // So that stacks name the lines people have written, also where those were compiled.
    if (Module.setSourceMapsSupport) Module.setSourceMapsSupport(true, { nodeModules: false });
    else process.setSourceMapsEnabled(true);
    const capture = new Capture((header) => {
      this.send(header);
      this._flushNow();
    });
    capture.replaceStreams();
    process.on('exit', () => capture.finishAll());
    this._app = new App(root, {
      capture,
      send: (header, blobs) => this.send(header, blobs),
      loading: (place) => {
        this.send({ kind: 'loading', place });
        this._flushNow(); // it may block the loop
      },
    });
    watchFailures(this._app.calls, () => this._flushNow());
    this._app.index().then((answer) => this.send(answer));
  }

  // Queue a frame; everything of one turn of the loop leaves in one write. What is large leaves in
  // pieces, between which others can.
  send(header, blobs) {
    if (blobs?.length && isLarge(blobs)) {
      if (!this._large.length) setImmediate(() => this._pump());
      this._large.push(inPieces((this._largeSent += 1), header, blobs));
      return;
    }
    if (!this._frames.length) setImmediate(this._flushLater);
    this._frames.push(...encode(header, blobs));
  }

  flush() {
    const frames = this._frames;
    if (!frames.length) return;
    this._frames = [];
    if (frames.length === 1) {
      this._connection.write(frames[0]);
      return;
    }
    let size = 0;
    for (const frame of frames) size += frame.length;
    if (size <= SMALL) {
      this._connection.write(Buffer.concat(frames, size));
      return;
    }
    this._connection.cork();
    for (const frame of frames) this._connection.write(frame);
    this._connection.uncork();
  }

  // Write pieces of all large messages in turn, as far as the host takes them.
  _pump() {
    this.flush(); // what was said before an answer comes before it
    while (this._large.length && !this._connection.writableNeedDrain) {
      const frames = this._large.shift();
      const { value, done } = frames.next();
      if (done) continue;
      this._large.push(frames);
      this._connection.cork();
      for (const buffer of value) this._connection.write(buffer);
      this._connection.uncork();
    }
  }

  // Write without the loop: what follows may block it or end the process, and a line should be seen
  // before. Code that writes faster than the host reads waits here, instead of filling the memory.
  _flushNow() {
    const handle = this._connection._handle;
    handle?.setBlocking?.(true);
    this.flush();
    handle?.setBlocking?.(false);
  }

  _received(data) {
    try {
      for (const [header, blobs] of this._decoder.feed(data)) this._receive(header, blobs);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.send({ kind: 'error', message: error.message });
      this.flush();
      this._connection.end(endGroup);
    }
  }

  _receive(header, blobs) {
    const app = this._app;
    switch (header.kind) {
      case 'invoke':
        app.invoke(header, blobs);
        break;
      case 'chunk':
      case 'more':
        app.calls.receive(header, blobs);
        break;
      case 'cancel':
        app.calls.cancel(header.id);
        break;
      case 'load':
        app.load(header).then((answer) => this.send(answer));
        break;
      case 'index':
        app.index().then((answer) => this.send(answer));
        break;
      case 'modules':
        this.send({ kind: 'modules', names: app.modules() });
        break;
      case 'stop':
        this._stop(Number(header.grace ?? 1));
        break;
      default:
        throw unknownKind(header.kind, this._start.protocol);
    }
  }

  async _stop(grace) {
    await this._app.close(grace / 2);
    this._flushNow();
    process.exit(0);
  }
}

module.exports = { Session };
