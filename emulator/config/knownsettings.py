"""Settings the host and the worker read, and what for; bindings tell theirs themselves."""

from __future__ import annotations

KNOWN_SETTINGS = {
    "AZURE_FUNCTIONS_ENVIRONMENT": "The host sets it to Development for the app.",
    "AzureWebJobsDisableHomepage": "The host shows no page at / when it is true.",
    "AzureWebJobsFeatureFlags": "On Azure only: switches of the official host.",
    "AzureWebJobsScriptRoot": "The host sets it to the folder of the app.",
    "AzureWebJobsStorage": "The storage account of the app; bindings keep their data there.",
    "APPINSIGHTS_INSTRUMENTATIONKEY": "On Azure only: where telemetry goes.",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "On Azure only: where telemetry goes.",
    "FUNCTIONS_APPLICATION_DIRECTORY": "The host sets it to the folder of the app.",
    "FUNCTIONS_CORETOOLS_ENVIRONMENT": "The host sets it, so that code can tell where it runs.",
    "FUNCTIONS_EXTENSION_VERSION": "On Azure only: the version of the official host.",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "The host refuses larger bodies (bytes).",
    "FUNCTIONS_WORKER_PROCESS_COUNT": "The host runs that many processes of the app.",
    "FUNCTIONS_WORKER_RUNTIME": "The host expects python; Azure needs it to be set.",
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "On Azure only: whether telemetry is sent.",
    "PYTHON_ENABLE_DEBUG_LOGGING": "The worker shows debug lines when it is 1.",
    "PYTHON_ENABLE_INIT_INDEXING": "The worker streams HTTP bodies when it is 1.",
    "PYTHON_ENABLE_OPENTELEMETRY": "The worker puts calls into their caller's trace when it is 1.",
    "PYTHON_ENABLE_WORKER_EXTENSIONS": "The worker runs worker extensions when it is 1.",
    "PYTHON_ISOLATE_WORKER_DEPENDENCIES": "On Azure only: which packages win.",
    "PYTHON_SCRIPT_FILE_NAME": "The host reads the app's functions from that file.",
    "PYTHON_THREADPOOL_THREAD_COUNT": "The worker runs that many sync functions at once.",
    "SCM_DO_BUILD_DURING_DEPLOYMENT": "On Azure only: whether packages are installed there.",
    "WEBSITE_HOSTNAME": "The host sets it to where the app is served.",
    "WEBSITE_RUN_FROM_PACKAGE": "On Azure only: how the app is deployed.",
    "languageWorkers__python__arguments": "The host starts the app's Python with them.",
    "languageWorkers__python__defaultExecutablePath": "The host runs the app with that Python.",
}


def known_purpose(name: str) -> str | None:
    """Return what the host does with a setting, `None` for one it does not read itself."""
    wanted = name.lower().replace(":", "__")
    if wanted.startswith("azurefunctionsjobhost__"):
        return "It overrides that value of host.json."
    if wanted.startswith(("azurewebjobs.", "azurewebjobs_")) and wanted.endswith("disabled"):
        return "It disables that function when it is true or 1."
    return next(
        (purpose for each, purpose in KNOWN_SETTINGS.items() if each.lower() == wanted), None
    )
