// `@azure/functions-core`: what the library `@azure/functions` asks of its worker. It is a module
// that only workers have.
'use strict';

const Module = require('module');

const { Disposable } = require('./disposable.cjs');

const NAME = '@azure/functions-core';
const VERSION = '3.13.0'; // of the official worker this one is like; the library looks at it
const HOST_VERSION = '4.1040.300';
const HOOKS = ['preInvocation', 'postInvocation', 'appStart', 'appTerminate', 'log'];

// What the app has registered.
const registered = {
  model: undefined,
  functions: new Map(),
  hooks: Object.fromEntries(HOOKS.map((name) => [name, []])),
  complete: false,
  log: () => {},
};

const api = {
  version: VERSION,
  hostVersion: HOST_VERSION,
  Disposable,
  setProgrammingModel(model) {
    registered.model = model;
  },
  getProgrammingModel: () => registered.model,
  registerFunction,
  registerHook,
  log(level, category, message) {
    registered.log(level, category, message);
  },
};

// The library tells apart the errors of the system from those of the app.
function systemError(kind, message) {
  return Object.assign(new kind(message), { isAzureFunctionsSystemError: true });
}

function registerFunction(metadata, callback) {
  if (registered.complete) {
    throw systemError(Error, 'A function can only be registered during app startup.');
  }
  const id = metadata.functionId || metadata.name;
  if (registered.functions.has(id)) {
    throw systemError(Error, `A function with id "${id}" has already been registered.`);
  }
  const at = { stack: '' };
  Error.captureStackTrace(at, registerFunction);
  registered.functions.set(id, { metadata, callback, stack: at.stack });
  return new Disposable(() => {
    if (registered.complete) {
      throw systemError(Error, 'A function can only be disposed during app startup.');
    }
    registered.functions.delete(id);
  });
}

function registerHook(name, callback) {
  const hooks = Object.hasOwn(registered.hooks, name) ? registered.hooks[name] : undefined;
  if (!hooks) throw systemError(RangeError, `Unrecognized hook "${name}"`);
  hooks.push(callback);
  return new Disposable(() => {
    const at = hooks.indexOf(callback);
    if (at >= 0) hooks.splice(at, 1);
  });
}

// Answer `require` of the module, from wherever it is asked for.
function install() {
  const load = Module._load;
  Module._load = function (request, ...rest) {
    return request === NAME ? api : load.call(this, request, ...rest);
  };
}

module.exports = { install, registered };
