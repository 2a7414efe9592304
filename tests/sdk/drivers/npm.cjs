// The driver of the npm SDK (alipay-sdk): plans come in as lines of JSON, what came of each goes out as one.
// A server on loopback stands where the gateway would: it keeps what the SDK sent and gives the answer it was told.
const http = require('node:http');
const readline = require('node:readline');
const { AlipaySdk } = require('alipay-sdk');

let sent, answer;
const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', chunk => chunks.push(chunk));
  request.on('end', () => {
    sent = {
      method: request.method,
      target: request.url,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('base64'),
    };
    response.writeHead(answer.status ?? 200, answer.headers ?? {});
    response.end(Buffer.from(answer.body, 'base64'));
  });
});

function client(config) {
  const address = `http://127.0.0.1:${server.address().port}`;
  return new AlipaySdk({ gateway: `${address}/gateway.do`, endpoint: address, camelcase: false, ...config });
}

const ops = {
  // The SDK sends; the answer is none that it could read.
  async send({ config, method, params }) {
    answer = { body: '' };
    await client(config).exec(method, params).catch(() => {});
    return sent;
  },
  // The SDK sends, gets that answer, and says what it read.
  async exchange({ config, method, params, body, verify = true }) {
    answer = { body };
    return await client(config).exec(method, params, { validateSign: verify });
  },
  async curl({ config, method, path, options, reply }) {
    answer = reply ?? { status: 500, body: Buffer.from('{}').toString('base64') };
    const made = client(config).curl(method, path, options);
    return reply ? { read: (await made).data, sent } : await made.catch(() => sent);
  },
  // The SDK talks to the gateway that the configuration names, and verifies what it answers.
  async call({ config, method, params }) {
    return await client(config).exec(method, params, { validateSign: true });
  },
  async call3({ config, method, path, options }) {
    try {
      return (await client(config).curl(method, path, options)).data;
    } catch (fault) {
      if (!fault.responseHttpStatus) throw fault;
      return { refused: fault.code, status: fault.responseHttpStatus };
    }
  },
  async page({ config, method, params }) {
    return client(config).pageExecute(method, 'GET', params);
  },
  async string({ config, method, params }) {
    return client(config).sdkExecute(method, params);
  },
  async notice({ config, params, raw }) {
    return raw ? client(config).checkNotifySignV2(params) : client(config).checkNotifySign(params);
  },
  async names({ config }) {
    const made = client(config).config;
    return [made.appCertSn, made.alipayCertSn, made.alipayRootCertSn];
  },
};

server.listen(0, '127.0.0.1', async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { op, ...plan } = JSON.parse(line);
    let said;
    try {
      said = { ok: await ops[op](plan) ?? null };
    } catch (fault) {
      said = { error: `${fault.name}: ${fault.message}` };
    }
    process.stdout.write(JSON.stringify(said) + '\n');
  }
  server.close();
  server.closeAllConnections();
});
