// Asks a chat model.
//
// GET /api/NAME/{person}         who somebody is

import { app, input } from '@azure/functions';

interface TextCompletion {
  content: string;
  totalTokens: number;
}

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
  handler: (_, context) => {
    const { content } = context.extraInputs.get(response) as TextCompletion;
    return { body: content };
  },
});
