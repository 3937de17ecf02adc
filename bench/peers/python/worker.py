"""A worker as conductor-python's README has it, with PyJWT."""

import functools
import os
import signal
import sys
import time
import uuid

import jwt
from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.worker.worker_task import worker_task
from cryptography.hazmat.primitives.serialization import load_pem_private_key


@functools.lru_cache(maxsize=1000)
def private_key(text):
    return load_pem_private_key(text.encode(), None)


@worker_task(task_definition_name=os.environ.get("BENCH_TASK_TYPE", "GET_SIGNED_JWT"), thread_count=int(os.environ["BENCH_SLOTS"]))
def sign(subject: str, issuer: str, audience: str, scopes: list[str], ttlInSecond: int, algorithm: str,
         privateKey: str, privateKeyId: str) -> dict:
    now = int(time.time())
    claims = {"iss": issuer, "sub": subject, "aud": audience, "iat": now, "exp": now + ttlInSecond,
              "jti": str(uuid.uuid4()), "scope": scopes}
    return {"token": jwt.encode(claims, private_key(privateKey), algorithm=algorithm, headers={"kid": privateKeyId})}


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with TaskHandler(configuration=Configuration(), scan_for_annotated_workers=True) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
