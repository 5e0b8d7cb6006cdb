// The compression of `ws`, the WebSocket library of Node, for the table `deflate`:
//
//   npm install --prefix target/node ws
//   cargo run --release -p ws-benches --features peers -- deflate \
//       --compressor 'ws (node)=node benches/node/deflate.mjs target/node'
//
// Started as `... compress|decompress FILE SIZE reset|keep`: FILE holds messages of SIZE bytes, one
// behind the other. For each line on standard input, all of them are handled until 20 ms of CPU time
// have gone by; the answer is a line with the nanoseconds of CPU time per message. `... hold FILE
// SIZE reset|keep` says how many bytes of resident memory an idle connection takes, once.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const [folder, verb, file, size, takeover] = process.argv.slice(2);
const require = createRequire(resolve(folder, 'node_modules/'));
const root = resolve(folder, 'node_modules/ws/lib');
const Deflate = require(resolve(root, 'permessage-deflate.js'));

const data = readFileSync(file);
const messages = [];
for (let at = 0; at < data.length; at += Number(size)) {
    messages.push(data.subarray(at, at + Number(size)));
}

// Level 6 and windows of 32 KiB, as everybody in the table.
function end(isServer) {
    const options = { threshold: 0, zlibDeflateOptions: { level: 6 } };
    const params = {};
    if (takeover === 'reset') {
        options.serverNoContextTakeover = true;
        options.clientNoContextTakeover = true;
        params.server_no_context_takeover = [true];
        params.client_no_context_takeover = [true];
    }
    const deflate = isServer
        ? new Deflate(options, true, 64 << 20)
        : new Deflate(options, false, 64 << 20);
    deflate.accept([params]);
    return deflate;
}

const promised = (deflate, method, bytes) =>
    new Promise((done, failed) =>
        deflate[method](bytes, true, (error, result) => (error ? failed(error) : done(result))));

async function all(deflate, method, inputs, check) {
    for (const [i, bytes] of inputs.entries()) {
        const result = await promised(deflate, method, bytes);
        if (check && !check(i, result)) throw new Error('another message came out');
    }
}

// Messages as a client sends them: what a server decompresses.
async function sent(inputs) {
    const client = end(false);
    const packed = [];
    for (const bytes of inputs) packed.push(Buffer.from(await promised(client, 'compress', bytes)));
    return packed;
}

const cpu = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) * 1000;
};

if (verb === 'hold') {
    const packed = (await sent(messages.slice(0, 1)))[0];
    const hold = async (count) => {
        const held = [];
        for (let i = 0; i < count; i++) {
            const server = end(true);
            await promised(server, 'decompress', packed);
            await promised(server, 'compress', messages[0]);
            held.push(server);
        }
        return held;
    };
    // What is allocated once is no cost of a connection.
    const first = await hold(500);
    const before = process.memoryUsage().rss;
    const second = await hold(500);
    console.log((process.memoryUsage().rss - before) / second.length);
    process.exit(first.length === second.length ? 0 : 1);
}

const packed = verb === 'decompress' ? await sent(messages) : messages;
const fresh = () => end(true);
// Once, checked: each context begins with the first message.
await all(fresh(), verb, packed, (i, result) =>
    verb === 'compress' ? result.length > 0 : result.equals(messages[i]));

for await (const _ of createInterface({ input: process.stdin })) {
    const start = cpu();
    let runs = 0;
    while (cpu() - start < 20e6) {
        const server = fresh();
        await all(server, verb, packed);
        server.cleanup();
        runs++;
    }
    console.log((cpu() - start) / (runs * messages.length));
}
