// HTTP bodies as streams, for apps that set `enableHttpStream`.
//
// The library runs a web server to which Azure's host forwards requests. Here that server never
// listens: each request is handed to it, and the bodies travel as chunks on the worker's own
// connection, each side sending only as much as the other has granted.
'use strict';

const http = require('http');
const { Readable, Writable } = require('stream');
const { finished } = require('stream/promises');

const { requestOf } = require('./messages.cjs');

const CHUNK = 1 << 16;
const WINDOW = 16; // chunks one side may send before the other has taken one
const CALL_HEADER = 'x-ms-invocation-id';
const TRIGGER = 'httptrigger';

// Return the library's server, when the app streams; `null` otherwise.
async function serverOf(model) {
  let server = null;
  http.Server.prototype.listen = function (...args) {
    server = this;
    this.address = () => ({ address: '127.0.0.1', family: 'IPv4', port: 1 });
    const listening = args.at(-1);
    if (typeof listening === 'function') process.nextTick(listening);
    return this;
  };
  let capabilities;
  try {
    capabilities = model.getCapabilities({});
  } finally {
    delete http.Server.prototype.listen; // there it is inherited
  }
  return (await capabilities)?.HttpUri ? server : null;
}

// One request and its response on their way through the library.
class Exchange {
  // Return the exchange of a call; `null` when its function is not called over HTTP.
  static of(loaded, header, blobs, send) {
    const { bindings } = loaded.metadata;
    const name = Object.keys(header.in).find(
      (each) => bindings[each]?.type?.toLowerCase() === TRIGGER
    );
    if (name === undefined) return null;
    if (header.in[name][0] !== 'http') {
      throw new Error('a function of an app that streams HTTP bodies can only be called over HTTP');
    }
    return new Exchange(name, loaded, header, blobs, send);
  }

  constructor(name, loaded, header, blobs, send) {
    const fields = header.in[name][1];
    this._id = header.id;
    this._send = send;
    this._streams = Boolean(header.stream);
    this._credit = WINDOW;
    this._gone = false;
    this._changed = null;
    this._source = null;
    this._parts = [];
    this._incoming = new Incoming(fields, this);
    this._outgoing = new Outgoing(this);
    this.request = requestOf(
      loaded,
      { ...header, in: { ...header.in, [name]: ['none', null] } },
      blobs
    );
    this.request.triggerMetadata = metadataOf(fields);
    if (!this._streams) {
      this._incoming.arrived(fields.body === null ? [] : [blobs[fields.body]], true);
    }
  }

  begin(server) {
    server.emit('request', this._incoming, this._outgoing);
  }

  // Accept what the host says about this call.
  take(header, blobs) {
    if (header.kind === 'more') {
      this._credit += header.n;
      this._wake();
    } else {
      this._incoming.arrived(blobs, Boolean(header.end));
    }
  }

  disconnect() {
    this._gone = true;
    this._incoming.destroy(new Error('the client went away'));
    // The library does not end a body whose response breaks; here it may clean up.
    this._source?.return?.().catch(() => {});
    this._wake();
  }

  // Return the answer once the response is out.
  async answer([header, blobs]) {
    const { _outgoing: response } = this;
    if (!response.began) {
      if (this._streams) this._send({ kind: 'head', id: this._id, status: 204, headers: [] });
      return [header, blobs];
    }
    await finished(response);
    if (!this._streams) {
      blobs.push(Buffer.concat(this._parts));
      const { statusCode: status, headers } = response;
      header.value = ['http', { status, headers, body: blobs.length - 1 }];
    }
    return [header, blobs];
  }

  // The library keeps what it never answered: let that be little.
  end() {
    this._gone = true;
    this._incoming.destroy();
    this._incoming.chunks = [];
    this._parts = [];
    this.request = null;
    this._wake();
  }

  get gone() {
    return this._gone;
  }

  took() {
    if (this._streams) this._send({ kind: 'more', id: this._id, n: 1 });
  }

  head(status, headers) {
    if (this._streams) this._send({ kind: 'head', id: this._id, status, headers });
  }

  async write(body) {
    if (!this._streams) {
      this._parts.push(Buffer.from(body));
      return;
    }
    for (let at = 0; at < body.length; at += CHUNK) {
      await this._granted();
      this._credit--;
      this._send({ kind: 'chunk', id: this._id }, [body.subarray(at, at + CHUNK)]);
    }
  }

  // The library writes a body without asking whether the client reads: let the body wait for it.
  throttled(result) {
    const body = result?.body;
    if (typeof body?.[Symbol.asyncIterator] !== 'function') return result;
    this._source = body[Symbol.asyncIterator]();
    const paced = this._paced();
    if (typeof result.arrayBuffer === 'function') {
      return Object.defineProperty(result, 'body', { value: { values: () => paced } });
    }
    return Object.create(result, { body: { value: paced, enumerable: true } });
  }

  async *_paced() {
    for await (const chunk of { [Symbol.asyncIterator]: () => this._source }) {
      yield chunk;
      while (this._outgoing.writableLength && !this._gone) await this._change();
      await this._granted();
    }
  }

  async _granted() {
    while (this._streams && this._credit <= 0 && !this._gone) await this._change();
    if (this._gone) throw new Error('the client went away');
  }

  _change() {
    this._changed ??= Promise.withResolvers?.() ?? deferred();
    return this._changed.promise;
  }

  _wake() {
    this._changed?.resolve();
    this._changed = null;
  }

  written() {
    this._wake();
  }
}

// `Promise.withResolvers`, for Node.js before 22.
function deferred() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

// The request as the library's server would have it from a connection.
class Incoming extends Readable {
  constructor(fields, exchange) {
    super();
    const url = new URL(fields.url);
    this._exchange = exchange;
    this.chunks = [];
    this._complete = false;
    this._wanted = false;
    this.method = fields.method;
    this.url = url.pathname + url.search;
    this.headers = {
      ...fields.headers,
      [CALL_HEADER]: exchange._id,
      'x-forwarded-host': url.host,
      'x-forwarded-proto': url.protocol.slice(0, -1),
    };
    this.on('error', () => {}); // whoever reads is told
  }

  arrived(chunks, complete) {
    this.chunks.push(...chunks);
    this._complete ||= complete;
    if (this._wanted) this._read();
  }

  _read() {
    this._wanted = !this.chunks.length && !this._complete;
    if (this._wanted) return;
    if (!this.chunks.length) {
      this.push(null);
      return;
    }
    this._exchange.took();
    this.push(this.chunks.shift());
  }
}

// The response as the library's server would have it.
class Outgoing extends Writable {
  constructor(exchange) {
    super();
    this._exchange = exchange;
    this.statusCode = 200;
    this.began = false;
    this.headers = [];
    this.on('error', () => {}); // whoever writes is told
  }

  setHeader(name, value) {
    if (name.toLowerCase() === CALL_HEADER) return this;
    for (const each of Array.isArray(value) ? value : [value])
      this.headers.push([name, String(each)]);
    return this;
  }

  write(...args) {
    if (this._exchange.gone) throw new Error('the client went away');
    return super.write(...args);
  }

  _begin() {
    if (this.began) return;
    this.began = true;
    this._exchange.head(this.statusCode, this.headers);
  }

  _write(chunk, encoding, done) {
    this._begin();
    this._exchange.write(chunk).then(() => {
      done();
      this._exchange.written();
    }, done);
  }

  _final(done) {
    this._begin();
    done();
  }
}

// Headers and route values come beside the request, as from Azure's host.
function metadataOf(fields) {
  const values = {};
  for (const name in fields.params) values[name] = { string: fields.params[name] };
  return {
    ...values,
    Query: { json: JSON.stringify(fields.query) },
    Headers: { json: JSON.stringify(fields.headers) },
  };
}

module.exports = { Exchange, serverOf };
