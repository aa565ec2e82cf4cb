// Which function of a script a folder with function.json means.
'use strict';

// Return what makes the function of a call: each call gets one of its own, whose `this` is what the
// script exports.
function entryPointOf(exported, name) {
  const [callback, self] = found(exported, name);
  if (!callback) {
    throw new Error(
      `Unable to determine function entry point${name ? `: ${name}` : ''}. If multiple functions` +
        " are exported, you must indicate the entry point, either by naming it 'run' or 'index'," +
        " or by naming it explicitly via the 'entryPoint' metadata property."
    );
  }
  if (typeof callback !== 'function') {
    throw new Error(
      'The resolved entry point is not a function and cannot be invoked by the functions runtime.' +
        ' Make sure the function has been correctly exported.'
    );
  }
  return () => callback.bind(self);
}

function found(exported, name) {
  if (exported === null || typeof exported !== 'object') return [exported, undefined];
  const names = Object.keys(exported);
  if (name) return [exported[name], exported];
  if (names.length === 1) return [exported[names[0]], exported];
  return [exported.run || exported.index, exported];
}

module.exports = { entryPointOf };
