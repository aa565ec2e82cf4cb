// The contexts hooks are given, and the order they run in.
'use strict';

const { registered } = require('./core.cjs');

const appData = {}; // shared by all hooks
const appOnly = {}; // shared by the hooks of the app, not by those of calls

// Return an object whose `fixed` properties nobody can replace; `own` ones are there to be set.
function contextOf(fixed, own = {}) {
  const context = { ...own };
  for (const [name, value] of Object.entries({ appHookData: appData, ...fixed })) {
    Object.defineProperty(context, name, {
      enumerable: true,
      get: () => value,
      set() {
        const error = new TypeError(`Cannot assign to read only property '${name}'`);
        throw Object.assign(error, { isAzureFunctionsSystemError: true });
      },
    });
  }
  return context;
}

async function runHooks(name, context) {
  for (const callback of [...registered.hooks[name]]) await callback(context);
}

const hasHooks = (name) => registered.hooks[name].length > 0;

async function runAppHooks(name, fixed = {}) {
  if (hasHooks(name)) await runHooks(name, contextOf({ hookData: appOnly, ...fixed }));
}

// Let the log hooks see a line, and change it when it is the app's own.
function throughLogHooks(line, call) {
  if (!hasHooks('log')) return line;
  const context = contextOf(
    {
      hookData: call?.hookData ?? {},
      category: line.category,
      invocationContext: call?.context,
    },
    { level: line.level, message: line.message }
  );
  try {
    for (const callback of registered.hooks.log) callback(context);
  } catch {
    return line; // no hook can keep a line from being seen
  }
  return line.category === 'user'
    ? { category: 'user', level: context.level, message: context.message }
    : line;
}

module.exports = { contextOf, hasHooks, runHooks, runAppHooks, throughLogHooks };
