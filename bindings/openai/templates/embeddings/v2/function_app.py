"""Turns text into vectors.

POST /api/NAME                 {"text": "…"}: its chunks and their vectors
"""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="NAME", methods=["POST"])
@app.embeddings_input(
    arg_name="embeddings",
    input="{text}",
    input_type="rawText",
    ai_connection_name="AzureOpenAI",
    embeddings_model="%EMBEDDING_MODEL_DEPLOYMENT_NAME%",
)
def NAME(req: func.HttpRequest, embeddings: str) -> func.HttpResponse:
    return func.HttpResponse(embeddings, mimetype="application/json")
