"""An event loop for those who have none."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from dms_client.errors import ClientClosed

_T = TypeVar("_T")


class LoopThread:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="dms-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _T], lost: Callable[[_T], None] | None = None) -> _T:
        """Runs it on the loop and waits for its end; what interrupts the wait cancels it.

        `lost` gets, on the loop, what the work returns where that comes too late for the caller who was interrupted.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("The blocking client cannot be used on its own thread")
        errand = _Errand(self._loop, work, lost)
        try:
            with self._lock:
                if self._is_closed:
                    raise ClientClosed("the client was closed")
                errand.start()
            return errand.result()
        except BaseException:
            errand.abandon()
            raise

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Runs `last`, lets what is under way end, and ends the thread."""
        with self._lock:
            if self._is_closed:
                last.close()
                return
            self._is_closed = True
            future = asyncio.run_coroutine_threadsafe(self._end(last), self._loop)
        future.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self, last: Coroutine[Any, Any, None]) -> None:
        await last
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_default_executor()


class _Errand(Generic[_T]):
    """Work on a loop that another thread waits for.

    Either that thread gets the result or `lost` does, whenever the thread is interrupted: the future decides which.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, _T], lost: Callable[[_T], None] | None
    ) -> None:
        self._loop = loop
        self._work = work
        self._lost = lost
        self._future: concurrent.futures.Future[_T] = concurrent.futures.Future()
        self._task: asyncio.Task[None] | None = None
        self._is_started = False

    # What the waiting thread does.

    def start(self) -> None:
        self._is_started = True
        self._loop.call_soon_threadsafe(self._begin)

    def result(self) -> _T:
        return self._future.result()

    def abandon(self) -> None:
        """The thread goes; nothing where the work has ended, and the thread has seen so."""
        if not self._is_started:
            self._work.close()
        # The loop may be closed.
        elif self._future.cancel():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._cancel)
        elif self._lost is not None and self._future.exception() is None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._lost, self._future.result())

    # What the loop does.

    def _begin(self) -> None:
        if self._future.cancelled():
            self._work.close()
        else:
            self._task = self._loop.create_task(self._run())

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            result = await self._work
        except asyncio.CancelledError:
            if self._future.set_running_or_notify_cancel():
                self._future.set_exception(ClientClosed("the client was closed"))
            raise
        except Exception as error:
            if self._future.set_running_or_notify_cancel():
                self._future.set_exception(error)
        else:
            if self._future.set_running_or_notify_cancel():
                self._future.set_result(result)
            elif self._lost is not None:
                self._lost(result)
