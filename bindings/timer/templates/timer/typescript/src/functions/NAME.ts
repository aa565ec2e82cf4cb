// Runs every five minutes: second, minute, hour, day, month, day of week.

import { app, InvocationContext, Timer } from '@azure/functions';

async function run(timer: Timer, context: InvocationContext): Promise<void> {
  if (timer.isPastDue) {
    context.warn('The timer is past due.');
  }
  context.log('The timer fired.');
}

app.timer('NAME', {
  schedule: '0 */5 * * * *',
  handler: run,
});
