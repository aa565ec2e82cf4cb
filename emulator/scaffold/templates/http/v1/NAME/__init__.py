import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    name = req.params.get("name")
    if not name and req.get_body():
        name = req.get_json().get("name")
    return func.HttpResponse(f"Hello, {name or 'world'}!")
