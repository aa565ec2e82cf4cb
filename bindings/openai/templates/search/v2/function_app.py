"""Stores documents and answers questions from them.

POST /api/NAME/store           {"title": "…", "text": "…"}: store a document
POST /api/NAME/ask             {"question": "…"}: an answer from what was stored
"""

import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="NAME/store", methods=["POST"])
@app.embeddings_store_output(
    arg_name="document",
    input="{text}",
    input_type="rawText",
    store_connection_name="SearchEndpoint",
    collection="NAME",
    ai_connection_name="AzureOpenAI",
    embeddings_model="%EMBEDDING_MODEL_DEPLOYMENT_NAME%",
)
def NAME_store(req: func.HttpRequest, document: func.Out[str]) -> func.HttpResponse:
    title = req.get_json()["title"]
    document.set(json.dumps({"title": title}))
    return func.HttpResponse(json.dumps({"stored": title}), mimetype="application/json")


@app.route(route="NAME/ask", methods=["POST"])
@app.semantic_search_input(
    arg_name="result",
    search_connection_name="SearchEndpoint",
    collection="NAME",
    query="{question}",
    ai_connection_name="AzureOpenAI",
    chat_model="%CHAT_MODEL_DEPLOYMENT_NAME%",
    embeddings_model="%EMBEDDING_MODEL_DEPLOYMENT_NAME%",
    max_knowledge_count=2,
)
def NAME_ask(req: func.HttpRequest, result: str) -> func.HttpResponse:
    return func.HttpResponse(json.loads(result)["Response"])
