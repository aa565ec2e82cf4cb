// funcemu exec -- npm test

import assert from 'node:assert/strict';
import { test } from 'node:test';

const post = (path, body) =>
  fetch(`${process.env.FUNCEMU_URL}/api/NAME/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });

test('a question is answered from what was stored', async () => {
  const document = { title: 'hours.md', text: 'The shop opens at nine and closes at six.' };
  assert.deepEqual(await (await post('store', document)).json(), { stored: 'hours.md' });
  const answer = await post('ask', { question: 'When does the shop open?' });
  assert.match(await answer.text(), /nine/);
});
