"""Start of the worker process. Kept readable for old Pythons, which must be told what is wrong."""

import sys

if sys.version_info < (3, 9):
    sys.stderr.write(
        "funcemu-worker: Python %d.%d of %s is too old, 3.9 or newer is needed\n"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(78)


def _main() -> None:
    import importlib.util
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    # Our own folder must not offer its modules (`index`, `load`) to the app.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.util.spec_from_file_location(
        "_funcemu_worker",
        os.path.join(here, "__init__.py"),
        submodule_search_locations=[here],
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["_funcemu_worker"] = package
    spec.loader.exec_module(package)
    importlib.import_module("_funcemu_worker.main").run(sys.argv[1:])


if __name__ == "__main__":  # a child of `multiprocessing` reads this file, too
    _main()
