import json

import azure.functions as func


def main(req: func.HttpRequest, result: str) -> func.HttpResponse:
    return func.HttpResponse(json.loads(result)["Response"])
