import json

import azure.functions as func

INSTRUCTIONS = "You help a person to keep a to-do list. Ask when something is not clear."


def main(req: func.HttpRequest, requests: func.Out[str]) -> func.HttpResponse:
    assistant = {"id": req.route_params["id"], "instructions": INSTRUCTIONS}
    requests.set(json.dumps(assistant))
    return func.HttpResponse(
        json.dumps({"id": assistant["id"]}), status_code=202, mimetype="application/json"
    )
