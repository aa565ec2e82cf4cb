// funcemu exec -- npm test

import assert from 'node:assert/strict';
import { test } from 'node:test';

const url = `${process.env.FUNCEMU_URL}/api/NAME`;

test('somebody is greeted', async () => {
  const answer = await fetch(`${url}?name=Ada`);
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), 'Hello, Ada!');
});

test('the name may be in the body', async () => {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ name: 'Bo' }) });
  assert.equal(await answer.text(), 'Hello, Bo!');
});
