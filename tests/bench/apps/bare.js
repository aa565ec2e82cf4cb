// The yardstick for JavaScript: Node's own server with nothing around it.
const http = require("node:http");

const server = http.createServer((request, response) => {
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
  response.end("Hello world");
});
server.listen(0, "127.0.0.1", () => {
  console.log(`bare http://127.0.0.1:${server.address().port}`);
});
process.on("SIGINT", () => process.exit(0));
