"""An assistant that keeps a to-do list.

PUT  /api/NAME/{id}                create it
POST /api/NAME/{id}?message=…      say something to it
GET  /api/NAME/{id}                read the chat
"""

import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

NAME_INSTRUCTIONS = "You help a person to keep a to-do list. Ask when something is not clear."

# Kept as long as the app runs; a real app would use a database.
NAME_todos: list[str] = []


@app.route(route="NAME/{id}", methods=["PUT"])
@app.assistant_create_output(arg_name="requests")
def NAME_create(req: func.HttpRequest, requests: func.Out[str]) -> func.HttpResponse:
    assistant = {"id": req.route_params["id"], "instructions": NAME_INSTRUCTIONS}
    requests.set(json.dumps(assistant))
    return func.HttpResponse(
        json.dumps({"id": assistant["id"]}), status_code=202, mimetype="application/json"
    )


@app.route(route="NAME/{id}", methods=["POST"])
@app.assistant_post_input(
    arg_name="state",
    id="{id}",
    user_message="{Query.message}",
    ai_connection_name="AzureOpenAI",
    chat_model="%CHAT_MODEL_DEPLOYMENT_NAME%",
)
def NAME_post(req: func.HttpRequest, state: str) -> func.HttpResponse:
    chat = json.loads(state)
    if not chat["exists"]:
        return func.HttpResponse("There is no such assistant.", status_code=404)
    # The answer is the last message; the ones before it are calls of skills.
    messages = chat["recentMessages"]
    return func.HttpResponse(messages[-1]["content"] if messages else "No answer.")


@app.route(route="NAME/{id}", methods=["GET"])
@app.assistant_query_input(arg_name="state", id="{id}", timestamp_utc="2023-01-01T00:00:00Z")
def NAME_chat(req: func.HttpRequest, state: str) -> func.HttpResponse:
    return func.HttpResponse(state, mimetype="application/json")


@app.assistant_skill_trigger(
    arg_name="taskDescription", function_description="Create a new todo task"
)
def NAME_add_todo(taskDescription: str) -> None:
    NAME_todos.append(taskDescription)


@app.assistant_skill_trigger(
    arg_name="inputIgnored", function_description="Fetch the list of previously created todo tasks"
)
def NAME_get_todos(inputIgnored: str) -> list:
    return NAME_todos
