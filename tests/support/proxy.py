"""A TCP proxy that can be told to fail as networks and servers do."""

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Literal

Mode = Literal["pass", "refuse", "hang"]


class Proxy:
    """Forwards a local port to `host:port`. `refuse` closes the port and every connection, as a stopped
    server does; `hang` takes connections and bytes and gives none back, as a frozen one does."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._mode: Mode = "pass"
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def become(self, mode: Mode) -> None:
        self._run(self._become(mode))

    def _run(self, coroutine: "asyncio.Future[None] | object") -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=10)  # type: ignore[arg-type]

    async def _listen(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _become(self, mode: Mode) -> None:
        before, self._mode = self._mode, mode
        if mode == "refuse":
            await self._close()
        elif mode == "hang":
            self._flowing.clear()
        elif before == "refuse":
            await self._listen()
        else:
            self._flowing.set()

    async def _close(self) -> None:
        if self._server is not None:
            await self._stop_accepting(self._server)
        self._flowing.set()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _stop_accepting(self, server: asyncio.Server) -> None:
        """Only then closes it: Python 3.11 forgets, and leaves open, a connection that it has just accepted."""
        for listening in server.sockets:
            self._loop.remove_reader(listening.fileno())
        for _ in ("its transport is made", "its task is made", "its task begins"):
            await asyncio.sleep(0)
        server.close()

    async def _end(self) -> None:
        """Leaves no task behind: one that is destroyed while it is pending says so on standard error."""
        await self._close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):  # Python 3.11 would say on standard error that it was cancelled
            await self._forward(reader, writer)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        await self._flowing.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(far_writer)
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
