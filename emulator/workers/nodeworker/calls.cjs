// The calls under way: begun, answered, given up.
'use strict';

const { contextOf, hasHooks, runHooks } = require('./hooks.cjs');
const { describe } = require('./failure.cjs');
const { running } = require('./logs.cjs');
const { answerOf, requestOf } = require('./messages.cjs');
const { Exchange } = require('./streaming.cjs');

const NOBODYS = {
  uncaughtException: 'an error nobody caught',
  unhandledRejection: 'a rejection nobody handled',
};

class Calls {
  constructor(root, { capture, send, log }) {
    this._root = root;
    this._capture = capture;
    this._send = send;
    this._log = log;
    this._calls = new Map();
  }

  // Run a call and send its answer.
  begin(loaded, header, blobs) {
    const { id } = header;
    if (loaded.failure) {
      this._send({ kind: 'result', id, error: loaded.failure });
      return;
    }
    const call = { id, hookData: {}, context: undefined, exchange: null, answered: false };
    this._calls.set(id, call);
    running
      .run(call, () => this._run(call, loaded, header, blobs))
      .then(
        (answer) => this._ended(call, ...answer),
        (error) => this._ended(call, this._failed(id, error))
      );
  }

  async _run(call, loaded, header, blobs) {
    const exchange = loaded.server ? Exchange.of(loaded, header, blobs, this._send) : null;
    if (!exchange) return this._invoke(call, loaded, requestOf(loaded, header, blobs));
    call.exchange = exchange;
    try {
      exchange.begin(loaded.server);
      return await exchange.answer(await this._invoke(call, loaded, exchange.request));
    } finally {
      exchange.end();
    }
  }

  // The order of the official worker: arguments, hooks, the function, hooks, the response.
  async _invoke(call, loaded, request) {
    const { id } = call;
    const coreContext = {
      invocationId: id,
      request: { invocationId: id, ...request },
      metadata: loaded.metadata,
      state: undefined,
      log: (level, category, message) => this._log(level, category, message, call),
    };
    const model = await loaded.model.getInvocationModel(coreContext);
    const given = await model.getArguments();
    const { context } = given;
    call.context = context;
    let { inputs } = given;
    let callback = loaded.callback();
    const fixed = { hookData: call.hookData, invocationContext: context };
    if (hasHooks('preInvocation')) {
      const before = contextOf(fixed, { functionCallback: callback, inputs });
      coreContext.state = 'preInvocationHooks';
      await runHooks('preInvocation', before);
      ({ functionCallback: callback, inputs } = before);
    }
    coreContext.state = 'invocation';
    let result = null;
    let error = null;
    try {
      result = await model.invokeFunction(context, inputs, callback);
    } catch (thrown) {
      error = thrown;
      if (thrown === null || thrown === undefined) {
        const text = `The function threw ${thrown}, which counts as success: throw an Error.`;
        coreContext.log('warning', 'system', text);
      }
    }
    coreContext.state = undefined;
    if (hasHooks('postInvocation')) {
      const after = contextOf(fixed, { inputs, result, error });
      coreContext.state = 'postInvocationHooks';
      await runHooks('postInvocation', after);
      ({ result, error } = after);
    }
    if (error !== null && error !== undefined) throw error;
    if (call.exchange) result = call.exchange.throttled(result);
    return answerOf(id, await model.getResponse(context, result));
  }

  // What the host says about a call whose bodies are streams.
  receive(header, blobs) {
    this._calls.get(header.id)?.exchange?.take(header, blobs);
  }

  // Nothing stops a running function: it runs on unheard, and its streams break.
  cancel(id) {
    const call = this._calls.get(id);
    if (!call || call.answered) return;
    running.run(call, () => call.exchange?.disconnect());
    const error = { type: 'CancelledError', message: 'the call was cancelled' };
    this._answer(call, { kind: 'result', id, error, still: true });
  }

  // Answer for a call that an error ended which nobody caught.
  fail(id, error, origin) {
    const call = this._calls.get(id);
    if (!call || call.answered) return;
    const answer = this._failed(id, error);
    answer.error.message += ` (${NOBODYS[origin]}: it ends the process)`;
    this._answer(call, answer);
  }

  _failed(id, error) {
    return { kind: 'result', id, error: describe(error, this._root) };
  }

  _ended(call, header, blobs) {
    if (call.answered) {
      this._calls.delete(call.id);
      this._send({ kind: 'ended', id: call.id });
      return;
    }
    this._answer(call, header, blobs);
    this._calls.delete(call.id);
  }

  _answer(call, header, blobs) {
    call.answered = true;
    this._capture.finish(call.id);
    try {
      this._send(header, blobs);
    } catch (error) {
      this._send({ kind: 'result', id: call.id, error: unsendable(error) });
    }
  }
}

// Why an answer cannot be sent: a message holds only so much text, and JSON not everything.
function unsendable(error) {
  const { name, message } = error;
  if (name === 'TypeError') return { type: name, message };
  const told = `what the function gave is too large: ${message}; a body of bytes may be larger`;
  return { type: name, message: told };
}

module.exports = { Calls };
