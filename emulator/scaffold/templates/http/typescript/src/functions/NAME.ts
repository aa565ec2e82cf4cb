// GET  /api/NAME?name=Ada        greets
// POST /api/NAME                 {"name": "Ada"}: the same

import { app, HttpRequest, HttpResponseInit } from '@azure/functions';

async function greet(request: HttpRequest): Promise<HttpResponseInit> {
  const body = await request.text();
  const name = request.query.get('name') || (body && JSON.parse(body).name);
  return { body: `Hello, ${name || 'world'}!` };
}

app.http('NAME', {
  methods: ['GET', 'POST'],
  route: 'NAME',
  authLevel: 'anonymous',
  handler: greet,
});
