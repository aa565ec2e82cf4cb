// GET  /api/NAME?name=Ada        greets
// POST /api/NAME                 {"name": "Ada"}: the same

const { app } = require('@azure/functions');

app.http('NAME', {
  methods: ['GET', 'POST'],
  route: 'NAME',
  authLevel: 'anonymous',
  handler: async (request) => {
    const body = await request.text();
    const name = request.query.get('name') || (body && JSON.parse(body).name);
    return { body: `Hello, ${name || 'world'}!` };
  },
});
