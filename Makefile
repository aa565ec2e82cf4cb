# make start   serve the sample app (APP=path for another) on http://localhost:7071
# make test    everything: format, lint, types, import contracts, tests
# make unit    the quick part of it
# make bench   measurements, as a table and as JSON (ARGS="hello --rounds 3" for some)
# make soak    ten minutes of load and saves; what it leaves behind (ARGS="--minutes 1")
# make lowest  tests with the lowest versions of everything that pyproject.toml allows
# make audit   known vulnerabilities of what an installation gets; asks a service on the internet
# make fuzz    search for inputs that break a promise (ARGS="--minutes 30 --target routes")

APP ?= fixtures/assistant
ARGS ?=
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
STAMP := $(VENV)/.stamp-run
TEST_STAMP := $(VENV)/.stamp-test
BENCH_STAMP := $(VENV)/.stamp-bench

.PHONY: start test unit bench soak fuzz clean format lowest audit

# An app for Node.js gets its packages the first time.
start: $(STAMP)
	@if [ -f "$(APP)/package.json" ] && [ ! -d "$(APP)/node_modules" ]; then \
	  command -v npm >/dev/null 2>&1 || { echo "$(APP) needs Node.js 20 or newer, with npm."; exit 1; }; \
	  echo "Installing the packages of $(APP) with npm…"; \
	  npm install --prefix "$(APP)" --no-audit --no-fund --loglevel=error >/dev/null; \
	fi
	@exec $(BIN)/funcemu start $(APP) $(ARGS)

test: $(TEST_STAMP)
	$(BIN)/python -m tests.check

unit: $(TEST_STAMP)
	$(BIN)/python -m tests.check --fast

bench: $(BENCH_STAMP)
	@exec $(BIN)/python -m tests.bench $(ARGS)

soak: $(TEST_STAMP)
	@exec $(BIN)/python -m tests.bench soak $(ARGS)

fuzz: $(TEST_STAMP)
	$(BIN)/python -m tests.fuzz $(ARGS)

lowest: $(TEST_STAMP)
	$(BIN)/python -m tests.lowest --whole

audit: $(TEST_STAMP)
	$(BIN)/python -m tests.audit $(ARGS)

format: $(TEST_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# uv where it exists, plain venv and pip where not. The stamps make the second time quick.
$(STAMP): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing $(VENV) && uv pip install --quiet --python $(BIN)/python -e .; \
	else \
	  $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e .; \
	fi
	@touch $(STAMP)

$(TEST_STAMP): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing $(VENV) && uv pip install --quiet --python $(BIN)/python -e '.[dev,uvloop]'; \
	else \
	  $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,uvloop]'; \
	fi
	@touch $(STAMP) $(TEST_STAMP)

# What others serve is measured beside what is served here.
$(BENCH_STAMP): $(TEST_STAMP)
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(BIN)/python -e '.[bench]'; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'; \
	fi
	@touch $(BENCH_STAMP)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
