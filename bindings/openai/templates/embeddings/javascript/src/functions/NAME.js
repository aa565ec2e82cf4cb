// Turns text into vectors.
//
// POST /api/NAME                 {"text": "…"}: its chunks and their vectors

const { app, input } = require('@azure/functions');

const embeddings = input.generic({
  type: 'embeddings',
  input: '{text}',
  inputType: 'rawText',
  aiConnectionName: 'AzureOpenAI',
  embeddingsModel: '%EMBEDDING_MODEL_DEPLOYMENT_NAME%',
});

app.http('NAME', {
  methods: ['POST'],
  route: 'NAME',
  authLevel: 'anonymous',
  extraInputs: [embeddings],
  handler: async (request, context) => ({ jsonBody: context.extraInputs.get(embeddings) }),
});
