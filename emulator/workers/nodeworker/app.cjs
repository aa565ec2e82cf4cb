// One app: what it declares, and its functions once they are loaded.
'use strict';

const fs = require('fs');
const path = require('path');

const { registered } = require('./core.cjs');
const { Calls } = require('./calls.cjs');
const { entryFiles, loadFile, readPackage } = require('./entry.cjs');
const { callerOf, describeLoading } = require('./failure.cjs');
const { runAppHooks, throughLogHooks } = require('./hooks.cjs');
const { entryPointOf } = require('./v3/entrypoint.cjs');
const memory = require('./memory.cjs');
const modules = require('./modules.cjs');
const { serverOf } = require('./streaming.cjs');

// What takes memory, and only apps that fail need.
const locate = (...failed) => require('./syntax.cjs').locate(...failed);

const LEVELS = {
  trace: 'Trace',
  debug: 'Debug',
  information: 'Information',
  warning: 'Warning',
  error: 'Error',
  critical: 'Critical',
};
const SHOWN_OF_SYSTEM = ['Warning', 'Error', 'Critical'];
const STRATEGIES = { fixedDelay: 'fixed_delay', exponentialBackoff: 'exponential_backoff' };

class App {
  // Return the version of the library the app has, without loading it.
  static sdkVersion(root) {
    for (let folder = root; ; folder = path.dirname(folder)) {
      try {
        const file = path.join(folder, 'node_modules/@azure/functions/package.json');
        return JSON.parse(fs.readFileSync(file, 'utf8')).version ?? null;
      } catch {
        if (folder === path.dirname(folder)) return null;
      }
    }
  }

  // `loading` is told which file is loaded now, or `null`.
  constructor(root, { capture, send, loading }) {
    this.root = root;
    this._capture = capture;
    this._loading = loading;
    this._index = null;
    this._package = null;
    this._entries = [];
    this._functions = new Map();
    this._server = null;
    this.calls = new Calls(root, { capture, send, log: (...line) => this._log(...line) });
    registered.log = (...line) => this._log(...line);
  }

  // List the functions; the app is loaded only once, later questions get the same answer.
  index() {
    this._index ??= this._load();
    return this._index;
  }

  async _load() {
    try {
      this._package = readPackage(this.root);
      const files = entryFiles(this.root, this._package, (text) =>
        this._capture.log('Warning', text, null, 'worker')
      );
      for (const file of files) {
        this._loading(file);
        const place = path.join(this.root, file);
        this._entries.push(place);
        await loadFile(place, this._package.type);
      }
      this._loading('a hook of the start');
      await runAppHooks('appStart', { functionAppDirectory: this.root });
      registered.complete = true;
      if (registered.model?.getCapabilities) this._server = await serverOf(registered.model);
      return this._indexed();
    } catch (error) {
      locate(error, this._entries);
      return { kind: 'indexed', functions: null, error: describeLoading(error, this.root) };
    } finally {
      this._loading(null);
      this._capture.finish(null);
    }
  }

  _indexed() {
    const functions = [...registered.functions.values()].map((each) => this._described(each));
    return {
      kind: 'indexed',
      functions: functions.length ? functions : null,
      streams: this._server !== null,
    };
  }

  _described({ metadata, stack }) {
    const { name, bindings } = metadata;
    const [file, line] = callerOf(stack, this.root);
    return {
      name,
      bindings: Object.entries(bindings).map(([key, binding]) => rawBinding(key, binding)),
      directory: this.root,
      script_file: file ? path.relative(this.root, file) : this._package.main,
      entry_point: name,
      retry: retryOf(metadata.retryOptions),
      file,
      line,
    };
  }

  // Make functions callable; each one that cannot be has its own error.
  async load(header) {
    const errors = {};
    for (const wanted of header.functions) {
      try {
        this._functions.set(wanted.name, await this._loaded(wanted));
      } catch (error) {
        const failure = describeLoading(error, this.root);
        this._functions.set(wanted.name, { failure });
        errors[wanted.name] = failure;
      }
    }
    this._capture.finish(null);
    return { kind: 'loaded', seq: header.seq, errors };
  }

  async _loaded(wanted) {
    const { name, directory } = wanted;
    const declared = registered.functions.get(name);
    if (declared) {
      return {
        model: registered.model,
        metadata: { name, directory, bindings: declared.metadata.bindings },
        callback: () => declared.callback,
        server: this._server,
      };
    }
    if (wanted.model === 'v2') {
      throw new Error(`cannot load function ${name}: it is no longer declared`);
    }
    this._package ??= readPackage(this.root);
    const file = path.resolve(directory, wanted.script.replaceAll('\\', '/'));
    const exported = await this._exportedBy(file);
    const { FolderModel } = require('./v3/model.cjs'); // takes memory, and most apps need it not
    return {
      model: new FolderModel(),
      metadata: { name, directory, bindings: bindingsOf(wanted.bindings) },
      callback: entryPointOf(exported, wanted.entry_point),
      server: null,
    };
  }

  async _exportedBy(file) {
    try {
      return await loadFile(file, this._package?.type ?? '');
    } catch (error) {
      locate(error, [file]);
      throw error;
    } finally {
      this._entries.push(file);
    }
  }

  // Start a call; its answer is sent.
  invoke(header, blobs) {
    memory.called();
    const loaded = this._functions.get(header.fn) ?? {
      failure: { type: 'Error', message: `the function '${header.fn}' is not loaded` },
    };
    this.calls.begin(loaded, header, blobs);
  }

  // Name what the next worker may load ahead.
  modules() {
    return modules.foreign(this.root, this._entries);
  }

  // Let the app hear that it ends, but not longer than that.
  async close(seconds) {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, seconds * 1000);
    });
    const hooks = runAppHooks('appTerminate').catch((error) => {
      this._capture.log('Error', `A hook of the end failed: ${error}`, null, 'worker');
    });
    await Promise.race([hooks, late]);
    clearTimeout(timer);
  }

  _log(level, category, message, call) {
    const line = throughLogHooks({ level, category, message }, call);
    const shown = LEVELS[line.level];
    if (!shown) return;
    if (line.category === 'system' && !SHOWN_OF_SYSTEM.includes(shown)) return;
    const source = line.category === 'system' ? 'worker' : 'logging';
    this._capture.log(shown, String(line.message), call?.id ?? null, source);
  }
}

// What says nothing to a host is left out, so that it need not be known there.
function rawBinding(name, binding) {
  const { properties, ...rest } = binding;
  if (properties?.supportsDeferredBinding !== 'false') rest.properties = properties;
  return { ...rest, name };
}

function retryOf(options) {
  if (!options) return null;
  const fields = {
    strategy: STRATEGIES[options.retryStrategy] ?? options.retryStrategy,
    max_retry_count: options.maxRetryCount,
    delay_interval: timeOf(options.delayInterval),
    minimum_interval: timeOf(options.minimumInterval),
    maximum_interval: timeOf(options.maximumInterval),
  };
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, String(value)]));
}

function timeOf(duration) {
  if (!duration) return undefined;
  const { seconds } = duration;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

function bindingsOf(list) {
  return Object.fromEntries(
    list.map(({ name, type, direction, data_type: dataType }) => [
      name,
      { type, direction, dataType },
    ])
  );
}

module.exports = { App };
