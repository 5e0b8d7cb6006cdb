// The part of .ci/counterparts that runs in Node, on `ws`.
//
//   counterparts.js client URL CA|- DEFLATE    sends the messages, wants them back, closes
//   counterparts.js server CERT|- KEY|- DEFLATE  prints its port; does the same to its first client
//
// Messages are lines of JSON on standard input: [text, null] or [null, base64]. Ends with 0 if
// everything came back and the end was clean; says on standard error what went wrong otherwise.
const fs = require('fs');
const http = require('http');
const https = require('https');
const WebSocket = require('ws');

const [mode, ...args] = process.argv.slice(2);
const deflate = args[2] === 'deflate';
const messages = fs.readFileSync(0, 'utf8').trim().split('\n').map((line) => {
  const [text, data] = JSON.parse(line);
  return text === null ? Buffer.from(data, 'base64') : text;
});

function fail(why) {
  console.error(why);
  process.exit(1);
}

function converse(socket, starts) {
  let next = 0;
  const send = () => socket.send(messages[next]);
  socket.on('error', fail);
  socket.on('message', (data, binary) => {
    const sent = messages[next];
    const same = binary ? Buffer.isBuffer(sent) && sent.equals(data) : sent === data.toString();
    if (!same) fail(`message ${next} came back as another`);
    next += 1;
    if (next < messages.length) send();
    else socket.close(1000, 'that was all');
  });
  socket.on('close', (code) => {
    if (code !== 1000 || next !== messages.length) fail(`closed with ${code} after ${next}`);
    process.exit(0);
  });
  starts(() => {
    const agreed = socket.extensions.includes('permessage-deflate');
    if (agreed !== deflate) fail(`extensions: ${socket.extensions}`);
    send();
  });
}

if (mode === 'client') {
  const [url, ca] = args;
  const options = { perMessageDeflate: deflate };
  if (ca !== '-') options.ca = fs.readFileSync(ca);
  const socket = new WebSocket(url, options);
  converse(socket, (start) => socket.on('open', start));
} else {
  const [cert, key] = args;
  const server = cert === '-'
    ? http.createServer()
    : https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) });
  new WebSocket.Server({ server, perMessageDeflate: deflate && { threshold: 0 } })
    .on('connection', (socket) => converse(socket, (start) => start()));
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}
