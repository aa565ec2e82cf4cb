// funcemu exec -- npm test

import assert from 'node:assert/strict';
import { test } from 'node:test';

test('a text has a vector', async () => {
  const answer = await fetch(`${process.env.FUNCEMU_URL}/api/NAME`, {
    method: 'POST',
    body: JSON.stringify({ text: 'The shop opens at nine.' }),
  });
  const { count, request } = await answer.json();
  assert.equal(count, 1);
  assert.deepEqual(request, ['The shop opens at nine.']);
});
