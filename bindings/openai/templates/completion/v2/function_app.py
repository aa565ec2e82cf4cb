"""Asks a chat model.

GET /api/NAME/{person}         who somebody is
"""

import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="NAME/{person}", methods=["GET"])
@app.text_completion_input(
    arg_name="response",
    prompt="Who is {person}?",
    ai_connection_name="AzureOpenAI",
    chat_model="%CHAT_MODEL_DEPLOYMENT_NAME%",
    max_tokens="200",
)
def NAME(req: func.HttpRequest, response: str) -> func.HttpResponse:
    return func.HttpResponse(json.loads(response)["content"])
