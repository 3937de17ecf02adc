// A worker as the JavaScript SDK's README has it, with jose.
import { randomUUID } from "node:crypto";
import { OrkesClients, TaskHandler, worker } from "@io-orkes/conductor-javascript";
import { SignJWT, importPKCS8 } from "jose";

const keys = new Map();

function privateKey(text, algorithm) {
  let key = keys.get(text);
  if (!key) {
    key = importPKCS8(text, algorithm);
    keys.set(text, key);
  }
  return key;
}

async function sign(task) {
  const i = task.inputData;
  const now = Math.floor(Date.now() / 1000);
  const token = await new SignJWT({ scope: i.scopes })
    .setProtectedHeader({ alg: i.algorithm, kid: i.privateKeyId, typ: "JWT" })
    .setIssuer(i.issuer)
    .setSubject(i.subject)
    .setAudience(i.audience)
    .setIssuedAt(now)
    .setExpirationTime(now + i.ttlInSecond)
    .setJti(randomUUID())
    .sign(await privateKey(i.privateKey, i.algorithm));
  return { status: "COMPLETED", outputData: { token } };
}

// What the decorator @worker does, in plain JavaScript.
worker({ taskDefName: process.env.BENCH_TASK_TYPE || "GET_SIGNED_JWT", concurrency: Number(process.env.BENCH_SLOTS), pollInterval: 100 })(sign);

const clients = await OrkesClients.from();
const handler = new TaskHandler({ client: clients.getClient(), scanForDecorated: true });
await handler.startWorkers();
