"""Skills and chats in JavaScript, in the shape of the sample of the OpenAI extension."""

from __future__ import annotations

import json
from pathlib import Path

from emulator.model import Datum
from tests.support.node import javascript
from tests.support.workers import models, request, serving, text_of

KIND = "node"


async def test_skills_and_chats_of_assistants(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        const created = output.generic({ type: 'assistantCreate' });
        app.http('CreateAssistant', {
          methods: ['PUT'],
          route: 'assistants/{assistantId}',
          extraOutputs: [created],
          handler: async (request, context) => {
            const { assistantId } = request.params;
            context.extraOutputs.set(created, { id: assistantId, instructions: 'Be kind.' });
            return { status: 202, jsonBody: { assistantId } };
          },
        });
        const posted = input.generic({ type: 'assistantPost', id: '{assistantId}' });
        app.http('PostUserResponse', {
          extraInputs: [posted],
          handler: async (request, context) => {
            const state = context.extraInputs.get(posted);
            return { body: state.recentMessages[0].content };
          },
        });
        const todos = [];
        app.generic('AddTodo', {
          trigger: trigger.generic({ type: 'assistantSkillTrigger', functionDescription: 'Add' }),
          handler: async (task) => { todos.push(task); },
        });
        app.generic('GetTodos', {
          trigger: trigger.generic({ type: 'assistantSkillTrigger', functionDescription: 'List' }),
          handler: async () => todos,
        });
        """,
    )
    async with serving(KIND, root) as worker:
        named = {each.name: list(each.bindings) for each in models(worker.index)}

        def name_of(function: str, type: str) -> str:
            return next(each.name for each in named[function] if each.type == type)

        req = name_of("CreateAssistant", "httpTrigger")
        put = request(method="PUT", params={"assistantId": "a1"})
        result = await worker.call("CreateAssistant", **{req: put})
        assert json.loads(text_of(result)) == {"assistantId": "a1"}
        out = result.outputs[name_of("CreateAssistant", "assistantCreate")]
        assert json.loads(out.value) == {"id": "a1", "instructions": "Be kind."}
        state = Datum("text", '{"recentMessages": [{"content": "Hi"}]}')
        inputs = {
            name_of("PostUserResponse", "httpTrigger"): request(),
            name_of("PostUserResponse", "assistantPost"): state,
        }
        assert await worker.text("PostUserResponse", **inputs) == "Hi"
        skill = name_of("AddTodo", "assistantSkillTrigger")
        added = await worker.call("AddTodo", **{skill: Datum("text", "Call dad")})
        assert added.return_value.is_none
        skill = name_of("GetTodos", "assistantSkillTrigger")
        listed = await worker.call("GetTodos", **{skill: Datum("text", "")})
        assert listed.return_value == Datum("json", '["Call dad"]')
