// The programming model of folders with function.json, known as version 3: `context` and inputs as
// arguments, results by promise or `context.done`. The official worker has it built in, too.
'use strict';

const { format } = require('util');

const { contextOf } = require('./context.cjs');
const { toTypedOutput } = require('./values.cjs');

const RETURN = '$return';
const LEARN_MORE = 'https://go.microsoft.com/fwlink/?linkid=2097909';
const ACTIVITY = 'activityTrigger'; // of Durable Functions, where a false value is a result, too

class FolderModel {
  getInvocationModel(coreContext) {
    return new FolderInvocation(coreContext);
  }
}

class FolderInvocation {
  constructor(coreContext) {
    this._core = coreContext;
    this._bindings = coreContext.metadata.bindings;
    this._isDone = false;
    this._isPromise = false;
    this._done = new Promise((resolve, reject) => {
      this._resolve = resolve;
      this._reject = reject;
    });
    this._done.catch(() => {}); // whoever waits for it is told
  }

  getArguments() {
    return contextOf(this._core, {
      log: (level, args) => this._userLog(level, args),
      done: (error, result) => this._finish(error, result),
    });
  }

  async invokeFunction(context, inputs, callback) {
    this._context = context;
    try {
      const returned = callback(context, ...inputs);
      this._isPromise = typeof returned?.then === 'function';
      if (!this._isPromise) return await this._done;
      const settled = Promise.resolve(returned).then((result) => {
        this._tellDone();
        return result;
      });
      return await Promise.race([settled, this._done]);
    } finally {
      this._isDone = true;
    }
  }

  getResponse(context, result) {
    const outputs = Object.entries(this._bindings).filter(([, each]) => each.direction !== 'in');
    const values = { ...context.bindings };
    const http = outputs.find(([, each]) => each.type?.toLowerCase() === 'http');
    if (http && context.res !== undefined) values[http[0]] ??= context.res;
    const returns = outputs.find(([name]) => name === RETURN);
    const response = { invocationId: this._core.invocationId, outputData: [] };
    const given =
      Boolean(result) || (this._isActivity() && result !== null && result !== undefined);
    if (given && returns) {
      response.returnValue = toTypedOutput(returns[1], result);
    } else if (given && typeof result === 'object') {
      // Without a binding for it, what is returned is an object of outputs.
      for (const [name] of outputs) values[name] = result[name] ?? values[name];
    }
    for (const [name, binding] of outputs) {
      if (values[name] === undefined || (name === RETURN && given)) continue;
      const data = toTypedOutput(binding, values[name]);
      if (name === RETURN) response.returnValue = data;
      else response.outputData.push({ name, data });
    }
    const unheard = given && !returns && !outputs.some(([name]) => result[name] !== undefined);
    if (unheard && !this._hasHttpTrigger()) response.returnValue = toTypedOutput({}, result);
    return response;
  }

  _isActivity() {
    return Object.values(this._bindings).some((each) => each.type === ACTIVITY);
  }

  _hasHttpTrigger() {
    return Object.values(this._bindings).some((each) => each.type?.toLowerCase() === 'httptrigger');
  }

  _finish(error, result) {
    this._tellDone();
    if (error !== null && error !== undefined) this._reject(error);
    else this._resolve(result);
  }

  // Say so when a function ends twice, which is a mistake of its own.
  _tellDone() {
    if (this._isDone && !(this._isPromise && this._context?.suppressAsyncDoneError)) {
      this._core.log(
        'error',
        'system',
        this._isPromise
          ? "Error: Choose either to return a promise or call 'done'. Do not use both in your" +
              ` script. Learn more: ${LEARN_MORE}`
          : "Error: 'done' has already been called. Please check your script for extraneous calls" +
              " to 'done'."
      );
    }
    this._isDone = true;
  }

  _userLog(level, args) {
    if (this._isDone && this._core.state !== 'postInvocationHooks') {
      this._core.log(
        'warning',
        'system',
        "Warning: Unexpected call to 'log' on the context object after function execution has" +
          ' completed. Please check for asynchronous calls that are not awaited or calls to' +
          " 'done' made before function execution completes." +
          ` Function name: ${this._core.metadata.name}.` +
          ` Invocation Id: ${this._core.invocationId}.` +
          ` Learn more: ${LEARN_MORE}`
      );
    }
    this._core.log(level, 'user', format(...args));
  }
}

module.exports = { FolderModel };
