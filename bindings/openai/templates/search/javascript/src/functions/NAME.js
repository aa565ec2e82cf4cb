// Stores documents and answers questions from them.
//
// POST /api/NAME/store           {"title": "…", "text": "…"}: store a document
// POST /api/NAME/ask             {"question": "…"}: an answer from what was stored

const { app, input, output } = require('@azure/functions');

const document = output.generic({
  type: 'embeddingsStore',
  input: '{text}',
  inputType: 'rawText',
  storeConnectionName: 'SearchEndpoint',
  collection: 'NAME',
  aiConnectionName: 'AzureOpenAI',
  embeddingsModel: '%EMBEDDING_MODEL_DEPLOYMENT_NAME%',
});

app.http('NAME_store', {
  methods: ['POST'],
  route: 'NAME/store',
  authLevel: 'anonymous',
  extraOutputs: [document],
  handler: async (request, context) => {
    const { title } = await request.json();
    context.extraOutputs.set(document, { title });
    return { jsonBody: { stored: title } };
  },
});

const result = input.generic({
  type: 'semanticSearch',
  searchConnectionName: 'SearchEndpoint',
  collection: 'NAME',
  query: '{question}',
  aiConnectionName: 'AzureOpenAI',
  chatModel: '%CHAT_MODEL_DEPLOYMENT_NAME%',
  embeddingsModel: '%EMBEDDING_MODEL_DEPLOYMENT_NAME%',
  maxKnowledgeCount: 2,
});

app.http('NAME_ask', {
  methods: ['POST'],
  route: 'NAME/ask',
  authLevel: 'anonymous',
  extraInputs: [result],
  handler: async (request, context) => ({ body: context.extraInputs.get(result).Response }),
});
