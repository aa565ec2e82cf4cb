// The `context` of a call, and its inputs.
'use strict';

const { randomUUID } = require('crypto');

const { Request } = require('./request.cjs');
const { Response } = require('./response.cjs');
const { camelCased, fromTyped } = require('./values.cjs');

// `log` gets a level and what is to be written; `done` is for functions that return no promise.
function contextOf(core, { log, done }) {
  const { request, metadata, invocationId } = core;
  const levels = { error: 'error', warn: 'warning', info: 'information', verbose: 'trace' };
  const logger = (...args) => log('information', args);
  for (const name in levels) logger[name] = (...args) => log(levels[name], args);
  const context = {
    invocationId,
    executionContext: {
      invocationId,
      functionName: metadata.name,
      functionDirectory: metadata.directory,
      retryContext: request.retryContext,
    },
    bindings: {},
    bindingData: bindingDataOf(request),
    bindingDefinitions: Object.entries(metadata.bindings).map(([name, { type, direction }]) => ({
      name,
      type,
      direction,
    })),
    traceContext: traceOf(request.traceContext),
    log: logger,
    done,
  };
  const inputs = [];
  for (const { name, data } of request.inputData) {
    const input = inputOf(data, metadata.bindings[name]?.type, context, metadata.name);
    context.bindings[name] = input;
    inputs.push(input);
  }
  return { context, inputs };
}

function inputOf(data, type, context, functionName) {
  if (!data.http) {
    const value = fromTyped(data);
    return type?.toLowerCase() === 'timertrigger' ? camelCased(value) : value;
  }
  const request = new Request(data.http);
  context.req = request;
  context.res = new Response(context.done);
  context.bindingData.sys = {
    methodName: functionName,
    utcNow: new Date().toISOString(),
    randGuid: randomUUID(),
  };
  context.bindingData.query ??= { ...request.query };
  context.bindingData.headers ??= { ...request.headers };
  return request;
}

function bindingDataOf({ invocationId, triggerMetadata }) {
  const values = {};
  for (const name in triggerMetadata) values[name] = fromTyped(triggerMetadata[name]);
  return { invocationId, ...camelCased(values) };
}

function traceOf(trace) {
  if (!trace) return {};
  const { traceParent: traceparent, traceState: tracestate, attributes } = trace;
  return { traceparent, tracestate, attributes };
}

module.exports = { contextOf };
