"""A function that needs a core, and one that does not."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="burn")
def burn(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(sum(number * number for number in range(100_000))))


@app.route(route="hello")
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("Hello world")
