// Stores documents and answers questions from them.
//
// POST /api/NAME/store           {"title": "…", "text": "…"}: store a document
// POST /api/NAME/ask             {"question": "…"}: an answer from what was stored

import {
  app,
  HttpRequest,
  HttpResponseInit,
  input,
  InvocationContext,
  output,
} from '@azure/functions';

const document = output.generic({
  type: 'embeddingsStore',
  input: '{text}',
  inputType: 'rawText',
  storeConnectionName: 'SearchEndpoint',
  collection: 'NAME',
  aiConnectionName: 'AzureOpenAI',
  embeddingsModel: '%EMBEDDING_MODEL_DEPLOYMENT_NAME%',
});

async function store(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  const { title } = (await request.json()) as { title: string };
  context.extraOutputs.set(document, { title });
  return { jsonBody: { stored: title } };
}

app.http('NAME_store', {
  methods: ['POST'],
  route: 'NAME/store',
  authLevel: 'anonymous',
  extraOutputs: [document],
  handler: store,
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
  handler: (_, context) => {
    const { Response } = context.extraInputs.get(result) as { Response: string };
    return { body: Response };
  },
});
