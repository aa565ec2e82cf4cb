// Forms in the body of a request: `application/x-www-form-urlencoded` and `multipart/form-data`.
'use strict';

const BLANK_LINE = Buffer.from('\r\n\r\n');

class Form {
  #parts;

  constructor(parts) {
    this.#parts = parts;
  }

  get(name) {
    return this.getAll(name)[0] ?? null;
  }

  getAll(name) {
    return this.#parts.filter(([key]) => key === name).map(([, part]) => part);
  }

  has(name) {
    return this.#parts.some(([key]) => key === name);
  }

  [Symbol.iterator]() {
    return this.#parts[Symbol.iterator]();
  }

  get length() {
    return this.#parts.length;
  }
}

function parseForm(body, contentType) {
  const { value, parameters } = parseHeader(contentType);
  switch (value.toLowerCase()) {
    case 'multipart/form-data':
      return new Form(partsOf(Buffer.from(body), parameters.boundary));
    case 'application/x-www-form-urlencoded': {
      const fields = [...new URLSearchParams(body.toString())];
      return new Form(fields.map(([name, text]) => [name, { value: Buffer.from(text) }]));
    }
    default:
      throw new Error(
        `Media type "${value}" does not match types supported for form parsing:` +
          ' "multipart/form-data", "application/x-www-form-urlencoded".'
      );
  }
}

// Return a header's value and its parameters: `form-data; name="a"`.
function parseHeader(text) {
  const [value, ...rest] = text.match(/(?:"(?:\\.|[^"\\])*"|[^;"])+/g) ?? [''];
  const parameters = {};
  for (const part of rest) {
    const found = /^\s*([^=\s]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|(.*?))\s*$/.exec(part);
    if (found) parameters[found[1].toLowerCase()] = found[2]?.replace(/\\(.)/g, '$1') ?? found[3];
  }
  return { value: value.trim(), parameters };
}

function partsOf(body, boundary) {
  const mark = Buffer.from(`--${boundary}`);
  const parts = [];
  let at = body.indexOf(mark);
  while (at >= 0) {
    const begin = at + mark.length;
    at = body.indexOf(mark, begin);
    if (at >= 0) parts.push(partOf(body.subarray(begin + 2, at - 2))); // between line ends
  }
  return parts;
}

function partOf(bytes) {
  const end = bytes.indexOf(BLANK_LINE);
  const headers = {};
  for (const line of bytes.toString('utf8', 0, end).split('\r\n')) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  const { name, filename } = parseHeader(headers['content-disposition'] ?? '').parameters;
  const part = { value: Buffer.from(bytes.subarray(end + BLANK_LINE.length)) };
  if (filename !== undefined) part.fileName = filename;
  if (headers['content-type'] !== undefined) part.contentType = headers['content-type'];
  return [name, part];
}

module.exports = { parseForm };
