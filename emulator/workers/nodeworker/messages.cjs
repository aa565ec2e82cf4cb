// The messages of a call: to what models of the library understand, and back.
'use strict';

const { fromTyped, toTyped } = require('./typed.cjs');

const TRIGGER = /trigger$/i;

// What the worker's model is told of a call: its trigger first, then the other inputs.
function requestOf(loaded, header, blobs) {
  const inputData = [];
  for (const name in header.in) {
    const input = { name, data: toTyped(header.in[name], blobs) };
    if (TRIGGER.test(loaded.metadata.bindings[name]?.type)) inputData.unshift(input);
    else inputData.push(input);
  }
  return { inputData, ...contextData(header, blobs) };
}

// What is known of a call beside its inputs.
function contextData({ meta, trace, retry }, blobs) {
  const triggerMetadata = {};
  for (const name in meta) triggerMetadata[name] = toTyped(meta[name], blobs);
  // Azure's host always sends one; without a caller who traces there is nothing in it.
  const [traceParent = '', traceState = ''] = trace ?? [];
  const data = { triggerMetadata, traceContext: { traceParent, traceState, attributes: {} } };
  if (retry) {
    data.retryContext = { retryCount: retry.count, maxRetryCount: retry.max };
    if (retry.error) {
      const { message, stack } = retry.error;
      data.retryContext.exception = { message, stackTrace: stack, source: '' };
    }
  }
  return data;
}

// What the model answers as the message of a result, and its blobs.
function answerOf(id, response) {
  const blobs = [];
  const header = { kind: 'result', id };
  const out = {};
  for (const { name, data } of response.outputData ?? []) {
    const packed = fromTyped(data, blobs);
    if (packed) out[name] = packed;
  }
  if (Object.keys(out).length) header.out = out;
  const value = fromTyped(response.returnValue, blobs);
  if (value) header.value = value;
  return [header, blobs];
}

module.exports = { answerOf, requestOf };
