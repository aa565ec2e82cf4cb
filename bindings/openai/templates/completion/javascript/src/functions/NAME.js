// Asks a chat model.
//
// GET /api/NAME/{person}         who somebody is

const { app, input } = require('@azure/functions');

const response = input.generic({
  type: 'textCompletion',
  prompt: 'Who is {person}?',
  aiConnectionName: 'AzureOpenAI',
  chatModel: '%CHAT_MODEL_DEPLOYMENT_NAME%',
  maxTokens: '200',
});

app.http('NAME', {
  methods: ['GET'],
  route: 'NAME/{person}',
  authLevel: 'anonymous',
  extraInputs: [response],
  handler: async (request, context) => ({ body: context.extraInputs.get(response).content }),
});
