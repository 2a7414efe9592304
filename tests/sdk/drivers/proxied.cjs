// The npm SDK (alipay-sdk) and node's own clients, to the vendor's own address: plans come in as lines of JSON.
const https = require('node:https');
const readline = require('node:readline');
const { AlipaySdk, ProxyAgent } = require('alipay-sdk');

const ops = {
  // The SDK by the proxy that its own configuration takes.
  async exec({ config, proxy, method, params }) {
    const made = new AlipaySdk({ camelcase: false, proxyAgent: new ProxyAgent(proxy), ...config });
    return await made.exec(method, params, { validateSign: true });
  },
  // Node itself, as if the hosts file led the host to this machine and the kernel 443 to another port.
  get({ url, port }) {
    const lookup = (_host, options, done) =>
      options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
    return new Promise((resolve, reject) => {
      https.get(url, { lookup, port, headers: { Host: new URL(url).host } }, answer => {
        const chunks = [];
        answer.on('data', chunk => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(chunks).toString() }));
      }).on('error', reject);
    });
  },
};

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { op, ...plan } = JSON.parse(line);
    let said;
    try {
      said = { ok: await ops[op](plan) ?? null };
    } catch (fault) {
      said = { error: `${fault.name}: ${fault.message} ${fault.cause ?? ''}` };
    }
    process.stdout.write(JSON.stringify(said) + '\n');
  }
  process.exit();
})();
