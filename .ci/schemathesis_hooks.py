"""What .ci/test-openapi adds to schemathesis: an admin's block, which is an answer and not a failure.

The block is the one state that a made-up request sets and that changes what right requests are told from then on. It is
taken back after the first submission that met it, so that the submissions behind it are still tried.
"""

import os
from urllib.parse import urljoin

import requests
import schemathesis

BLOCKED = "An admin has blocked submissions"


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code == 503 and BLOCKED in response.text:
        requests.post(
            urljoin(case.operation.base_url, "/admin/block"),
            json={"blocked": False},
            headers={"X-DMS-Operator-Token": os.environ["DMS_OPERATOR_TOKEN"]},
            timeout=20,
        ).raise_for_status()


@schemathesis.check
def unavailable_only_while_blocked(ctx, response, case):
    assert response.status_code != 503 or BLOCKED in response.text, "503, and not for an admin's block"
