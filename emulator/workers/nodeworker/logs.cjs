// What user code says - console, standard output and error - as log messages with their call.
'use strict';

const { AsyncLocalStorage } = require('async_hooks');
const { StringDecoder } = require('string_decoder');

const LONGEST_LINE = 1 << 20; // characters; what is longer is told in pieces
const SYSTEM_LINE = 'languageworkerconsolelog';

// The running call, carried along everything it starts.
const running = new AsyncLocalStorage();

class Capture {
  constructor(emit) {
    this._emit = emit;
    this._streams = [];
  }

  log(level, message, id, source) {
    for (let at = 0; at === 0 || at < message.length; at += LONGEST_LINE) {
      const piece = message.length > LONGEST_LINE ? message.slice(at, at + LONGEST_LINE) : message;
      this._emit({ kind: 'log', level, message: piece, id, source });
    }
  }

  // Let whole lines that are written to standard output and error become log messages.
  replaceStreams() {
    for (const source of ['stdout', 'stderr']) {
      this._streams.push(new UserStream(process[source], source, this));
    }
  }

  line(source, text, id) {
    const [level, from, message] = readLine(source, text);
    this.log(level, message, id, from);
  }

  // Send what the call wrote without a final line end.
  finish(id) {
    for (const stream of this._streams) stream.finish(id);
  }

  // As above, of all calls.
  finishAll() {
    for (const stream of this._streams) stream.finishAll();
  }
}

// Takes the place of a stream's `write`. What goes past it to the file descriptor reaches the host
// too, through the pipe, but nobody can say which call wrote it.
class UserStream {
  constructor(stream, source, capture) {
    this._source = source;
    this._capture = capture;
    this._partial = new Map();
    this._decoders = new Map(); // of those that have written half a character
    stream.write = (chunk, encoding, callback) => this._write(chunk, encoding, callback);
  }

  _write(chunk, encoding, callback) {
    if (typeof encoding === 'function') [encoding, callback] = [undefined, encoding];
    const isText = typeof chunk === 'string' && (!encoding || /^utf-?8$/i.test(encoding));
    const id = running.getStore()?.id ?? null;
    const text = isText ? chunk : this._asText(id, chunk, encoding);
    const lines = ((this._partial.get(id) ?? '') + text).split('\n');
    const rest = lines.pop();
    if (rest.length >= LONGEST_LINE) lines.push(rest);
    if (rest && rest.length < LONGEST_LINE) this._partial.set(id, rest);
    else this._partial.delete(id);
    for (const line of lines) this._capture.line(this._source, line, id);
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  }

  // What is piped here from elsewhere may be cut within a character.
  _asText(id, chunk, encoding) {
    if (typeof chunk === 'string') return Buffer.from(chunk, encoding).toString();
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(
        'The "chunk" argument must be of type string or an instance of Buffer or Uint8Array.'
      );
    }
    const decoder = this._decoders.get(id) ?? new StringDecoder();
    const text = decoder.write(Buffer.from(chunk));
    if (decoder.lastNeed) this._decoders.set(id, decoder);
    else this._decoders.delete(id);
    return text;
  }

  finish(id) {
    const rest = (this._partial.get(id) ?? '') + (this._decoders.get(id)?.end() ?? '');
    this._partial.delete(id);
    this._decoders.delete(id);
    if (rest) this._capture.line(this._source, rest, id);
  }

  finishAll() {
    for (const id of [...this._partial.keys(), ...this._decoders.keys()]) this.finish(id);
  }
}

// Return level, source and text of a line; the rules are the official host's, the prefix for lines
// meant for the host included.
function readLine(source, text) {
  if (text.endsWith('\r')) text = text.replace(/\r+$/, '');
  if (text.slice(0, SYSTEM_LINE.length).toLowerCase() === SYSTEM_LINE) {
    return ['Information', 'worker', text.slice(SYSTEM_LINE.length).trimStart()];
  }
  if (source === 'stderr') {
    if (/warn/i.test(text)) return ['Warning', source, text];
    if (/error|fail|severe|unhandled exception/i.test(text)) return ['Error', source, text];
  }
  return ['Information', source, text];
}

module.exports = { Capture, running };
