// funcemu exec -- npm test

import assert from 'node:assert/strict';
import { test } from 'node:test';

const assistant = `${process.env.FUNCEMU_URL}/api/NAME/test`;

const say = async (message) => {
  const answer = await fetch(`${assistant}?${new URLSearchParams({ message })}`, { method: 'POST' });
  assert.equal(answer.status, 200);
  return answer.text();
};

test('a reminder becomes a task that can be asked for', async () => {
  assert.equal((await fetch(assistant, { method: 'PUT' })).status, 202);
  await say('Remind me to buy milk');
  assert.match(await say('What do I need to do today?'), /buy milk/);
});

test('the calls of skills are in the chat', async () => {
  const { recentMessages } = await (await fetch(assistant)).json();
  const calls = recentMessages.map((message) => message.toolCalls).filter(Boolean);
  assert.match(calls[0], /NAME_add_todo/);
});
