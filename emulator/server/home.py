"""The page at `/` when no function is mapped there."""

from __future__ import annotations

from html import escape

from emulator import __version__
from emulator.runtime.host import Host

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your Azure Function App is up and running.</title>
<style>
:root{{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}}
body{{max-width:52rem;margin:3rem auto;padding:0 1rem}}
code{{font-size:.95em}} li{{margin:.25rem 0}} .quiet{{opacity:.7}}
</style></head><body>
<h1>Your Azure Function App is up and running.</h1>
<p class="quiet">funcemu {version} · {root}state: {state}</p>
{body}
</body></html>
"""


def home_page(host: Host, *, detailed: bool = True) -> str:
    """Return the page; without `detailed` it says no more than Azure's does."""
    if not detailed:
        return _PAGE.format(version=__version__, root="", state=host.state, body="")
    generation = host.current
    parts = []
    if generation is not None:
        items = "".join(
            f"<li><strong>{escape(each.function.model.name)}</strong> "
            f"{escape(' '.join(sorted(each.route.methods)) if each.route.methods else 'any')} "
            f"<code>/{escape(each.template)}</code></li>"
            for each in generation.endpoints
        )
        parts.append(f"<h2>Functions</h2><ul>{items}</ul>" if items else "<p>No HTTP function.</p>")
    if host.problems:
        items = "".join(f"<li>{escape(problem.message)}</li>" for problem in host.problems)
        parts.append(f"<h2>Problems</h2><ul>{items}</ul>")
    return _PAGE.format(
        version=__version__,
        root=f"{escape(str(host.context.app_root))} · ",
        state=host.state,
        body="\n".join(parts),
    )
