import json

import azure.functions as func


def main(req: func.HttpRequest, document: func.Out[str]) -> func.HttpResponse:
    title = req.get_json()["title"]
    document.set(json.dumps({"title": title}))
    return func.HttpResponse(json.dumps({"stored": title}), mimetype="application/json")
