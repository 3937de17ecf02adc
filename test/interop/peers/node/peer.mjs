// Signs and verifies JWTs with jose. One JSON request a line on standard
// input, one answer a line on standard output.
import { createInterface } from 'node:readline';
import { SignJWT, importJWK, importPKCS8, importSPKI, jwtVerify } from 'jose';

async function keyOf({ op, alg, form, key }) {
  if (form === 'jwk') return importJWK(JSON.parse(key), alg);
  return op === 'sign' ? importPKCS8(key, alg) : importSPKI(key, alg);
}

async function answer(request) {
  const key = await keyOf(request);
  if (request.op === 'sign') {
    const token = await new SignJWT(request.claims).setProtectedHeader({ alg: request.alg, typ: 'JWT' }).sign(key);
    return { ok: true, token };
  }
  const { payload } = await jwtVerify(request.token, key, { algorithms: [request.alg] });
  return { ok: true, claims: payload };
}

for await (const line of createInterface({ input: process.stdin })) {
  let out;
  try {
    out = await answer(JSON.parse(line));
  } catch (error) {
    out = { ok: false, error: String(error) };
  }
  process.stdout.write(JSON.stringify(out) + '\n');
}
