// funcemu exec -- npm test

import assert from 'node:assert/strict';
import { test } from 'node:test';

test('the model is asked about a person', async () => {
  const answer = await fetch(`${process.env.FUNCEMU_URL}/api/NAME/Ada Lovelace`);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /Ada Lovelace/);
});
