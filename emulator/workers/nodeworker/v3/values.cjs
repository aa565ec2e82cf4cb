// Typed data to the values functions of folders see, and back.
'use strict';

// Text that is JSON is parsed.
function fromTyped(data) {
  const text = data?.string || data?.json;
  if (text !== undefined && text !== null) return parsed(text);
  if (data?.bytes) return Buffer.from(data.bytes);
  if (data?.int !== undefined) return data.int;
  if (data?.double !== undefined) return data.double;
  if (data?.collectionBytes) return data.collectionBytes.bytes.map((each) => Buffer.from(each));
  return (
    data?.collectionString?.string ??
    data?.collectionDouble?.double ??
    data?.collectionSint64?.sint64
  );
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// Names of .NET begin with a capital, those here do not.
function camelCased(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value) || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      camelCased(each),
    ])
  );
}

function toTyped(value) {
  if (typeof value === 'string') return { string: value };
  if (Buffer.isBuffer(value)) return { bytes: value };
  if (ArrayBuffer.isView(value)) {
    return { bytes: new Uint8Array(value.buffer, value.byteOffset, value.byteLength) };
  }
  if (typeof value === 'number')
    return Number.isInteger(value) ? { int: value } : { double: value };
  const json = JSON.stringify(value);
  return json === undefined || json === 'null' ? {} : { json };
}

function toTypedOutput(binding, value) {
  return binding.type?.toLowerCase() === 'http' ? { http: toTypedResponse(value) } : toTyped(value);
}

function toTypedResponse(value) {
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new Error(
      "The HTTP response must be an 'object' type that can include properties such as 'body'," +
        " 'status', and 'headers'. Learn more: https://go.microsoft.com/fwlink/?linkid=2112563"
    );
  }
  const { statusCode, status, headers, cookies, body } = value ?? {};
  const code = statusCode || (typeof status === 'function' ? undefined : status);
  const known = Object.entries(headers ?? {}).filter(
    ([, each]) => each !== null && each !== undefined
  );
  return {
    statusCode: code?.toString(),
    headers: Object.fromEntries(known.map(([name, each]) => [name, each.toString()])),
    cookies: (cookies ?? []).map(toTypedCookie),
    body: toTyped(body),
  };
}

function toTypedCookie(cookie) {
  const { name, value, domain, path, expires, secure, httpOnly, sameSite, maxAge } = cookie;
  const wrapped = (each) => (each === undefined || each === null ? undefined : { value: each });
  const site = String(sameSite ?? '').toLowerCase();
  return {
    name,
    value,
    domain: wrapped(domain),
    path: wrapped(path),
    expires: wrapped(
      expires === undefined || expires === null
        ? undefined
        : { seconds: Math.round(Number(expires) / 1000) }
    ),
    secure: wrapped(secure),
    httpOnly: wrapped(httpOnly),
    sameSite: site === 'none' ? 'explicitNone' : site,
    maxAge: wrapped(maxAge === undefined || maxAge === null ? undefined : Number(maxAge)),
  };
}

module.exports = { camelCased, fromTyped, toTypedOutput };
