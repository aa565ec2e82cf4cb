// The request of an HTTP trigger.
'use strict';

const { parseForm } = require('./form.cjs');
const { fromTyped } = require('./values.cjs');

const BINARY = /^(application\/octet-stream$|multipart\/)/i;

class Request {
  #user;

  constructor({ method, url, headers, query, params, body }) {
    this.method = method;
    this.url = url;
    this.originalUrl = url;
    this.headers = headers;
    this.query = query;
    this.params = params;
    if (!body?.bytes) return;
    this.bufferBody = Buffer.from(body.bytes);
    const isBinary = BINARY.test(this.get('content-type') ?? '');
    const data = isBinary ? { bytes: this.bufferBody } : { string: decoded(this.bufferBody) };
    this.body = fromTyped(data);
    this.rawBody = isBinary ? this.bufferBody.toString() : data.string;
  }

  get user() {
    if (this.#user === undefined) this.#user = userOf(this.headers);
    return this.#user;
  }

  get(name) {
    return this.headers[name.toLowerCase()];
  }

  parseFormBody() {
    const type = this.get('content-type');
    if (!type) throw new Error('"content-type" header must be defined.');
    return parseForm(this.body, type);
  }
}

// UTF-8, unless the first bytes say otherwise.
function decoded(bytes) {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) {
    return Buffer.from(bytes.subarray(2, bytes.length & ~1))
      .swap16()
      .toString('utf16le');
  }
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le');
  return bytes.toString().replace(/^\ufeff/, '');
}

function userOf(headers) {
  const principal = headers['x-ms-client-principal'];
  if (!principal) return null;
  const data = JSON.parse(Buffer.from(principal, 'base64').toString());
  return data.identityProvider
    ? {
        type: 'StaticWebApps',
        id: data.userId,
        username: data.userDetails,
        identityProvider: data.identityProvider,
        claimsPrincipalData: data,
      }
    : {
        type: 'AppService',
        id: headers['x-ms-client-principal-id'],
        username: headers['x-ms-client-principal-name'],
        identityProvider: headers['x-ms-client-principal-idp'],
        claimsPrincipalData: data,
      };
}

module.exports = { Request };
