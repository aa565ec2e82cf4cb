import json

import azure.functions as func


def main(req: func.HttpRequest, state: str) -> func.HttpResponse:
    chat = json.loads(state)
    if not chat["exists"]:
        return func.HttpResponse("There is no such assistant.", status_code=404)
    # The answer is the last message; the ones before it are calls of skills.
    messages = chat["recentMessages"]
    return func.HttpResponse(messages[-1]["content"] if messages else "No answer.")
