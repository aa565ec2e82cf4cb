// Cookies of a response, written as Azure's host writes them.
'use strict';

const SAME_SITE = { lax: 'lax', strict: 'strict', explicitNone: 'none' };

function setCookie(cookie) {
  const parts = [`${cookie.name}=${escaped(cookie.value)}`];
  const expires = cookie.expires?.value?.seconds;
  const maxAge = cookie.maxAge?.value;
  if (expires !== undefined) parts.push(`expires=${new Date(expires * 1000).toUTCString()}`);
  if (maxAge !== undefined) parts.push(`max-age=${Math.trunc(maxAge)}`);
  if (cookie.domain) parts.push(`domain=${cookie.domain.value}`);
  parts.push(`path=${cookie.path ? cookie.path.value : '/'}`);
  if (cookie.secure?.value) parts.push('secure');
  if (SAME_SITE[cookie.sameSite]) parts.push(`samesite=${SAME_SITE[cookie.sameSite]}`);
  if (cookie.httpOnly?.value) parts.push('httponly');
  return parts.join('; ');
}

// As .NET does: JavaScript leaves some characters as they are.
function escaped(value) {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`
  );
}

module.exports = { setCookie };
