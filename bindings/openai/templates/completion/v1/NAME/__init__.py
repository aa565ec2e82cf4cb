import json

import azure.functions as func


def main(req: func.HttpRequest, response: str) -> func.HttpResponse:
    return func.HttpResponse(json.loads(response)["content"])
