// funcemu exec -- npm test

import assert from 'node:assert/strict';
import { test } from 'node:test';

test('the timer runs when it is asked to', async () => {
  const answer = await fetch(`${process.env.FUNCEMU_URL}/admin/functions/NAME`, { method: 'POST' });
  assert.equal(answer.status, 202);
});
