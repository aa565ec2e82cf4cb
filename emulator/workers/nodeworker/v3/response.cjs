// `context.res`: a response with the methods people know from express.
'use strict';

class Response {
  headers = {};
  cookies = [];
  statusCode = undefined;
  body = undefined;
  #done;

  constructor(done) {
    this.#done = done;
  }

  setHeader = (name, value) => {
    this.headers[name.toLowerCase()] = value;
    return this;
  };

  getHeader = (name) => this.headers[name.toLowerCase()];

  header = this.setHeader;
  set = this.setHeader;
  get = this.getHeader;

  removeHeader = (name) => {
    delete this.headers[name.toLowerCase()];
    return this;
  };

  status = (code) => {
    this.statusCode = code;
    return this;
  };

  type = (type) => this.set('content-type', type);

  end = (body) => {
    if (body !== undefined) this.body = body;
    if (Buffer.isBuffer(this.body) && !this.get('content-type')) {
      this.type('application/octet-stream');
    }
    this.#done();
    return this;
  };

  send = this.end;

  sendStatus = (code) => this.status(code).end();

  json = (body) => {
    this.type('application/json');
    this.send(body);
  };
}

module.exports = { Response };
