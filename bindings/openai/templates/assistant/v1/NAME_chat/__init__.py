import azure.functions as func


def main(req: func.HttpRequest, state: str) -> func.HttpResponse:
    return func.HttpResponse(state, mimetype="application/json")
