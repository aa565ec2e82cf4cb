import azure.functions as func


def main(req: func.HttpRequest, embeddings: str) -> func.HttpResponse:
    return func.HttpResponse(embeddings, mimetype="application/json")
