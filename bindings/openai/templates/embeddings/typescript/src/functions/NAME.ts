// Turns text into vectors.
//
// POST /api/NAME                 {"text": "…"}: its chunks and their vectors

import { app, input } from '@azure/functions';

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
  handler: (_, context) => ({ jsonBody: context.extraInputs.get(embeddings) }),
});
