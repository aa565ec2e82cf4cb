// An assistant that keeps a to-do list.
//
// PUT  /api/NAME/{id}                create it
// POST /api/NAME/{id}?message=…      say something to it
// GET  /api/NAME/{id}                read the chat

import {
  app,
  HttpRequest,
  HttpResponseInit,
  input,
  InvocationContext,
  output,
  trigger,
} from '@azure/functions';

interface AssistantState {
  id: string;
  exists: boolean;
  createdAt: string;
  lastUpdatedAt: string;
  totalMessages: number;
  totalTokens: number;
  recentMessages: { content: string; role: string; toolCalls: string }[];
}

const INSTRUCTIONS = 'You help a person to keep a to-do list. Ask when something is not clear.';

// Kept as long as the app runs; a real app would use a database.
const todos: string[] = [];

const requests = output.generic({ type: 'assistantCreate' });

async function create(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  const { id } = request.params;
  context.extraOutputs.set(requests, { id, instructions: INSTRUCTIONS });
  return { status: 202, jsonBody: { id } };
}

app.http('NAME_create', {
  methods: ['PUT'],
  route: 'NAME/{id}',
  authLevel: 'anonymous',
  extraOutputs: [requests],
  handler: create,
});

const posted = input.generic({
  type: 'assistantPost',
  id: '{id}',
  userMessage: '{Query.message}',
  aiConnectionName: 'AzureOpenAI',
  chatModel: '%CHAT_MODEL_DEPLOYMENT_NAME%',
});

async function post(_: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  const chat = context.extraInputs.get(posted) as AssistantState;
  if (!chat.exists) {
    return { status: 404, body: 'There is no such assistant.' };
  }
  // The answer is the last message; the ones before it are calls of skills.
  return { body: chat.recentMessages.at(-1)?.content ?? 'No answer.' };
}

app.http('NAME_post', {
  methods: ['POST'],
  route: 'NAME/{id}',
  authLevel: 'anonymous',
  extraInputs: [posted],
  handler: post,
});

const state = input.generic({
  type: 'assistantQuery',
  id: '{id}',
  timestampUtc: '2023-01-01T00:00:00Z',
});

app.http('NAME_chat', {
  methods: ['GET'],
  route: 'NAME/{id}',
  authLevel: 'anonymous',
  extraInputs: [state],
  handler: (_, context) => ({ jsonBody: context.extraInputs.get(state) }),
});

app.generic('NAME_add_todo', {
  trigger: trigger.generic({
    type: 'assistantSkillTrigger',
    name: 'taskDescription', // what the model sees
    functionDescription: 'Create a new todo task',
  }),
  handler: (taskDescription: unknown): void => {
    todos.push(String(taskDescription));
  },
});

app.generic('NAME_get_todos', {
  trigger: trigger.generic({
    type: 'assistantSkillTrigger',
    name: 'inputIgnored',
    functionDescription: 'Fetch the list of previously created todo tasks',
  }),
  handler: (): string[] => todos,
});
