// Runs every five minutes: second, minute, hour, day, month, day of week.

const { app } = require('@azure/functions');

app.timer('NAME', {
  schedule: '0 */5 * * * *',
  handler: (timer, context) => {
    if (timer.isPastDue) {
      context.warn('The timer is past due.');
    }
    context.log('The timer fired.');
  },
});
