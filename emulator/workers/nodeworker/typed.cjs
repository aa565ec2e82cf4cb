// Data of the channel to what the library calls typed data, and back.
//
// On the channel a value is a pair: its kind and, for bytes, the index of a blob. Typed data is an
// object with one property, named after its kind.
'use strict';

const { setCookie } = require('./cookies.cjs');

const COLLECTIONS = {
  text: ['collectionString', 'string'],
  json: ['collectionString', 'string'],
  bytes: ['collectionBytes', 'bytes'],
  int: ['collectionSint64', 'sint64'],
  float: ['collectionDouble', 'double'],
};

// Numbers that JSON cannot carry travel as text. An integer no number of ours can hold stays text.
function scalar([kind, value], blobs) {
  if (kind === 'bytes') return blobs[value];
  if (kind === 'float' && typeof value === 'string') {
    return { nan: NaN, inf: Infinity, '-inf': -Infinity }[value];
  }
  return value;
}

function toTyped(packed, blobs) {
  const [kind, value] = packed;
  switch (kind) {
    case 'text':
      return { string: value };
    case 'json':
      return { json: value };
    case 'bytes':
      return { bytes: blobs[value] };
    case 'int':
      return { int: value };
    case 'float':
      return { double: scalar(packed, blobs) };
    case 'http':
      return { http: toTypedRequest(value, blobs) };
    case 'list':
      return toTypedList(value, blobs);
    default:
      return {};
  }
}

// There are collections of one kind only; other lists are JSON.
function toTypedList(values, blobs) {
  const kinds = new Set(values.map(([kind]) => kind));
  const [kind = 'text'] = kinds;
  if (kinds.size > 1 || !COLLECTIONS[kind]) return { json: JSON.stringify(plain(values, blobs)) };
  const [name, inner] = COLLECTIONS[kind];
  return { [name]: { [inner]: values.map((each) => scalar(each, blobs)) } };
}

function plain(values, blobs) {
  return values.map((each) => {
    const [kind, value] = each;
    if (kind === 'list') return plain(value, blobs);
    if (kind === 'json') return JSON.parse(value);
    if (kind === 'bytes') return blobs[value].toString('base64');
    return scalar(each, blobs);
  });
}

function toTypedRequest(fields, blobs) {
  const { body, headers, ...rest } = fields;
  const request = { ...rest, headers: asBytes(headers), query: wholeQuery(fields) };
  if (body !== null && body !== undefined) request.body = { bytes: blobs[body] };
  return request;
}

// The request leaves out parameters without a value; functions in JavaScript get those, too.
function wholeQuery({ url, query }) {
  if (!/[?&][^=&#]*=?(?:[&#]|$)/.test(url ?? '')) return query;
  const whole = { ...query };
  for (const [name, value] of new URLSearchParams(url.slice(url.indexOf('?') + 1).split('#')[0])) {
    if (name && !value && !Object.hasOwn(whole, name)) whole[name] = '';
  }
  return whole;
}

// Node.js knows header values as bytes, one per character.
function asBytes(headers) {
  const result = {};
  for (const name in headers) {
    const value = headers[name];
    result[name] = /^[\x00-\xff]*$/.test(value) ? value : bytesOf(value).toString('latin1');
  }
  return result;
}

// Bytes that were no UTF-8 have come as the second halves of surrogate pairs.
function bytesOf(text) {
  const parts = text.split(/([\udc80-\udcff]+)/);
  return Buffer.concat(
    parts.map((part, at) =>
      at % 2
        ? Buffer.from(Array.from(part, (each) => each.charCodeAt(0) & 0xff))
        : Buffer.from(part)
    )
  );
}

// Turn typed data into a pair; `null` means there is no value.
function fromTyped(data, blobs) {
  if (data === null || data === undefined) return null;
  if (defined(data.string)) return ['text', data.string];
  if (defined(data.json)) return ['json', data.json];
  if (defined(data.bytes)) return blob(data.bytes, blobs);
  if (defined(data.stream)) return blob(data.stream, blobs);
  if (defined(data.int)) return packInt(data.int);
  if (defined(data.double)) return packFloat(data.double);
  if (defined(data.http)) return ['http', fromTypedResponse(data.http, blobs)];
  return null;
}

const defined = (value) => value !== null && value !== undefined;

function blob(bytes, blobs) {
  blobs.push(bytes);
  return ['bytes', blobs.length - 1];
}

function packInt(value) {
  return ['int', Number.isSafeInteger(value) ? value : BigInt(value).toString()];
}

function packFloat(value) {
  if (Number.isFinite(value)) return ['float', value];
  return ['float', Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'];
}

// What Azure's host makes of a response: a status that is no number is 200, text has a type.
function fromTypedResponse(http, blobs) {
  const status = parseInt(http.statusCode, 10);
  const headers = Object.entries(http.headers ?? {});
  const [content, isText] = contentOf(http.body);
  if (isText) addTextType(headers);
  for (const cookie of http.cookies ?? []) headers.push(['Set-Cookie', setCookie(cookie)]);
  let body = null;
  if (content.length) {
    blobs.push(content);
    body = blobs.length - 1;
  }
  return { status: status || 200, headers, body };
}

function contentOf(body) {
  if (!body) return [Buffer.alloc(0), true];
  const bytes = body.bytes ?? body.stream;
  if (defined(bytes)) return [bytes, false];
  if (defined(body.json)) return [Buffer.from(shownJson(body.json)), true];
  return [Buffer.from(String(body.string ?? body.int ?? body.double ?? '')), true];
}

// The host parses JSON and writes single values as .NET does.
function shownJson(text) {
  if (text === 'true') return 'True';
  if (text === 'false') return 'False';
  return text === 'null' ? '' : text;
}

function addTextType(headers) {
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type');
  if (!type) headers.push(['content-type', 'text/plain; charset=utf-8']);
  else if (!/charset/i.test(type[1])) type[1] += '; charset=utf-8';
}

module.exports = { toTyped, fromTyped };
