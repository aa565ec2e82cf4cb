// What undoes a registration, once.
'use strict';

class Disposable {
  static from(...disposables) {
    return new Disposable(() => {
      for (const each of disposables) {
        if (typeof each?.dispose === 'function') each.dispose();
      }
    });
  }

  #undo;

  constructor(undo) {
    this.#undo = undo;
  }

  dispose() {
    const undo = this.#undo;
    this.#undo = undefined;
    return typeof undo === 'function' ? undo() : undefined;
  }
}

module.exports = { Disposable };
