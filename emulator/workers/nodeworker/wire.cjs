// Frames between host and worker: lengths, a JSON header, a raw body of blobs.
//
// A message is a header (an object with `kind`) and a list of blobs; data in the header refers to
// bytes by their index in that list. One with a large body goes in pieces, between which others can
// go: `part` frames with one blob each and the size of the whole body, and at last a frame with the
// header and no body.
'use strict';

const PROTOCOL = 1;
const MAX_HEADER = 1 << 28;
const COPIED = 1 << 16; // larger blobs are sent from where they are

const PIECE = 1 << 18; // bytes of a body that are sent at once

class WireError extends Error {}

// Return the message as buffers to be written one after the other; throws a `RangeError` when it is
// larger than can be sent.
function encode(header, blobs) {
  let size = 0;
  if (blobs && blobs.length) {
    header.blobs = blobs.map((blob) => blob.length);
    for (const blob of blobs) size += blob.length;
  }
  const text = JSON.stringify(header);
  const length = Buffer.byteLength(text);
  if (length > MAX_HEADER) {
    throw new RangeError(
      `a message with ${length} bytes of text, more than the ${MAX_HEADER} it holds`
    );
  }
  const copied = size <= COPIED;
  const frame = Buffer.allocUnsafe(8 + length + (copied ? size : 0));
  frame.writeUInt32BE(length, 0);
  frame.writeUInt32BE(size, 4);
  frame.write(text, 8);
  if (!size) return [frame];
  if (!copied) return [frame, ...blobs];
  let at = 8 + length;
  for (const blob of blobs) {
    frame.set(blob, at);
    at += blob.length;
  }
  return [frame];
}

function isLarge(blobs) {
  let size = 0;
  for (const blob of blobs) size += blob.length;
  return size > PIECE;
}

// Yield the frames of a message, each as buffers to be written one after the other. Of several
// messages at a time each has a number of its own.
function* inPieces(number, header, blobs) {
  const lengths = blobs.map((blob) => blob.length);
  const size = lengths.reduce((sum, length) => sum + length);
  let gathered = [];
  let room = PIECE;
  const piece = () => {
    const body = gathered.length > 1 ? Buffer.concat(gathered) : gathered[0];
    [gathered, room] = [[], PIECE];
    return encode({ kind: 'part', of: number, size }, [body]);
  };
  for (const blob of blobs) {
    let at = 0;
    while (blob.length - at >= room) {
      gathered.push(blob.subarray(at, (at += room)));
      yield piece();
    }
    gathered.push(blob.subarray(at));
    room -= blob.length - at;
  }
  if (room < PIECE) yield piece();
  yield encode({ ...header, blobs: lengths, parts: number });
}

// Cuts a byte stream into messages; throws nothing but `WireError`.
class Decoder {
  constructor() {
    this._chunks = [];
    this._have = 0;
    this._need = 8;
    this._parts = new Map();
  }

  feed(data) {
    if (this._chunks.length) {
      this._chunks.push(data);
      this._have += data.length;
      if (this._have < this._need) return [];
      data = Buffer.concat(this._chunks, this._have);
      this._chunks = [];
    }
    const messages = [];
    let at = 0;
    let need = 8;
    while (data.length - at >= 8) {
      const length = data.readUInt32BE(at);
      if (length < 2 || length > MAX_HEADER) {
        throw new WireError(`a frame header of ${length} bytes`);
      }
      const start = at + 8 + length;
      const end = start + data.readUInt32BE(at + 4);
      if (end > data.length) {
        need = end - at;
        break;
      }
      const header = parse(data.toString('utf8', at + 8, start));
      at = end;
      if (header.kind === 'part') this._keep(header, data.subarray(start, end));
      else if (header.parts) messages.push([header, this._assembled(header)]);
      else messages.push([header, header.blobs ? split(header.blobs, data, start, end) : []]);
    }
    if (at < data.length) {
      this._chunks = [data.subarray(at)];
      this._have = data.length - at;
      this._need = need;
    }
    return messages;
  }

  _keep({ of, size }, part) {
    let body = this._parts.get(of);
    if (!body) this._parts.set(of, (body = { data: Buffer.allocUnsafe(size), at: 0 }));
    body.at += part.copy(body.data, body.at);
  }

  _assembled({ parts, blobs }) {
    const body = this._parts.get(parts);
    this._parts.delete(parts);
    if (body?.at !== body?.data.length) throw new WireError('a message that lacks parts');
    return split(blobs, body.data, 0, body.at);
  }
}

function parse(text) {
  let header;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw new WireError(`a frame header that is not JSON (${error.message})`);
  }
  if (header === null || typeof header !== 'object' || typeof header.kind !== 'string') {
    throw new WireError('a frame header without a kind');
  }
  return header;
}

function split(lengths, data, start, end) {
  const blobs = lengths.map((length) => data.subarray(start, (start += length)));
  if (start !== end) throw new WireError('a frame body of another length than its parts');
  return blobs;
}

function unknownKind(kind, theirs) {
  return new WireError(
    `a message of kind '${kind}', which protocol ${PROTOCOL} does not know` +
      ` (the other side speaks protocol ${theirs})`
  );
}

module.exports = { PROTOCOL, WireError, Decoder, encode, inPieces, isLarge, unknownKind };
