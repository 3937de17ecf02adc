// node traffic.mjs [MINUTES]: starts about ten workflows a second on the server of
// `make demo KEEP=1`, most of them valid and some invalid.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

const api = process.env.CONDUCTOR_SERVER_URL ?? 'http://127.0.0.1:8080/api';
const end = Date.now() + Number(process.argv[2] ?? 15) * 60_000;
const pem = { type: 'pkcs8', format: 'pem' };
const key = (kind, options) => generateKeyPairSync(kind, { ...options, privateKeyEncoding: pem, publicKeyEncoding: { type: 'spki', format: 'pem' } }).privateKey;
const rsa = key('rsa', { modulusLength: 2048 });
const secret = '${workflow.secrets.jwt-privatekey}';
const ec = () => key('ec', { namedCurve: 'P-256' });

const call = async (path, body) => {
  const answer = await fetch(api + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
};

const good = [
  [40, 'GET_SIGNED_JWT', () => ({ privateKey: secret })], // RS256, the demo's key
  [15, 'GET_SIGNED_JWT', () => ({ algorithm: 'PS256', privateKey: rsa })],
  [15, 'GET_SIGNED_JWT', () => ({ algorithm: 'ES256', privateKey: ec() })],
  [8, 'GET_SIGNED_JWT', () => ({ algorithm: 'EdDSA', privateKey: key('ed25519') })],
  [5, 'GET_SIGNED_JWT', () => ({ algorithm: 'HS256', secretEncoding: 'hex', privateKey: randomBytes(32).toString('hex') })],
  [17, 'SIGN_FOR_BILLING', () => ({ keyRef: 'billing', issuer: 'https://billing.example.com' })],
];
const bad = [
  [4, 'GET_SIGNED_JWT', () => ({ privateKey: 'no key at all' })],
  [3, 'GET_SIGNED_JWT', () => ({ algorithm: 'RS256', privateKey: ec() })],
  [2, 'GET_SIGNED_JWT', () => ({ privateKey: key('rsa', { modulusLength: 1024 }) })],
  [2, 'GET_SIGNED_JWT', () => ({ privateKey: ec(), ttlInSecond: -5 })],
  [1, 'GET_SIGNED_JWT', () => ({ privateKey: rsa, claims: { note: rsa } })],
  [2, 'SIGN_FOR_BILLING', () => ({ keyRef: 'billing', issuer: 'https://evil.example.com' })],
];
const pick = list => {
  let n = Math.random() * list.reduce((sum, [weight]) => sum + weight, 0);
  return list.find(([weight]) => (n -= weight) < 0);
};

let started = 0, refused = 0;
const start = async () => {
  const minute = Date.now() / 60_000;
  const [, type, more] = pick(Math.random() < (minute % 8 < 1.5 ? 0.15 : 0.02) ? bad : good);
  const input = { subject: `s-${started}`, issuer: 'https://login.example.com', audience: 'https://api.example.com', ...more() };
  const value = name => (input[name] === secret ? secret : `\${workflow.input.${name}}`);
  try {
    await call('/workflow', {
      name: `traffic_${type.toLowerCase()}`, version: 1, input,
      workflowDef: {
        name: `traffic_${type.toLowerCase()}`, version: 1, schemaVersion: 2, ownerEmail: 'traffic@example.com',
        tasks: [{ name: type.toLowerCase(), taskReferenceName: 'jwt', type, inputParameters: Object.fromEntries(Object.keys(input).map(name => [name, value(name)])) }],
      },
    });
    started++;
  } catch {
    refused++; // the server is down; continue
  }
};

for (let second = 0; Date.now() < end; second++) {
  const rate = second % 45 === 44 ? 60 : 8 + 5 * Math.sin(second / 60); // a wave with bursts
  const tick = new Promise(done => setTimeout(done, 1000));
  for (let i = 0; i < rate; i++) {
    start();
    await new Promise(done => setTimeout(done, 900 / Math.max(rate, 1)));
  }
  await tick;
}
console.log(`${started} workflows started, ${refused} refused`);
