"""The example of Proto/PROTOCOL.md, which needs nothing but the standard library."""

import subprocess
import sys
from pathlib import Path

from dms_client import Client, TaskStatus
from tests.support import PATIENCE, PROJECT, Scheduler

EXAMPLE = PROJECT / "docs/examples/minimal_client.py"


def run(scheduler: Scheduler) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE), *scheduler.address.split(":")]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_the_minimal_client_fetches_a_task_and_completes_it(scheduler: Scheduler, client: Client) -> None:
    parameters = '{"text":"' + "é" * 100 + '"}'
    client.tasks.enqueue("t-1", service="copy", user_id="ada", parameters=parameters.encode())
    done = run(scheduler)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"t-1 {parameters}\n", "")
    task = client.tasks.get("t-1").task
    assert task.status == TaskStatus.COMPLETED
    assert (task.attempt, task.submitter_id, task.result) == (1, "minimal", b"{}")


def test_the_minimal_client_says_why_it_was_refused(folder: Path) -> None:
    scheduler = Scheduler(folder, "--submitter-token", "s").start()
    try:
        done = run(scheduler)
    finally:
        scheduler.stop()
    assert (done.returncode, done.stderr) == (1, "Next failed: code 7, The submitter token is needed, in X-DMS-Submitter-Token\n")
