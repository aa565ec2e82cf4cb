"""Functions that answer HTTP requests.

GET  /api/NAME?name=Ada        greets
POST /api/NAME                 {"name": "Ada"}: the same
"""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="NAME", methods=["GET", "POST"])
def NAME(req: func.HttpRequest) -> func.HttpResponse:
    name = req.params.get("name")
    if not name and req.get_body():
        name = req.get_json().get("name")
    return func.HttpResponse(f"Hello, {name or 'world'}!")
