"""Worker processes: a file that kills, stops or takes over one affects only that worker."""

import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gallery.errors import Unavailable
from gallery.media import sandbox, worker_process
from gallery.media.jobs import ReadFile, RenderFile
from gallery.media.worker import Workers, open_workers
from gallery.media.worker_process import WorkerFailed, WorkerProcess
from gallery.model import Probed
from gallery.values.times import Micros
from tests.support.pictures import picture
from tests.support.waiting import eventually, pause
from tests.support.workers import processes_of

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


@pytest.fixture
async def workers() -> AsyncGenerator[Workers]:
    async with open_workers() as opened:
        yield opened


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "x.jpg").write_bytes(picture("JPEG"))
    with (tmp_path / "x.jpg").open("rb") as file:
        yield file.fileno()


def asked(descriptor: int, count: int = 1) -> list[tuple[ReadFile, Sequence[int]]]:
    """Return requests to read the files `0.jpg`, `1.jpg` and so on."""
    return [(ReadFile(f"{number}.jpg", Micros(0)), [descriptor]) for number in range(count)]


def hurt(
    monkeypatch: pytest.MonkeyPatch, name: str, signal_: signal.Signals, times: int = 9
) -> list[int]:
    """Send a worker a signal just before it gets the file of that name; return the process ids."""
    send, found = WorkerProcess.send, list[int]()

    async def sent(self: WorkerProcess, request: Any, *args: Any) -> None:
        if getattr(request, "name", "") == name and len(found) < times:
            found.append(self.id)
            os.kill(self.id, signal_)
        await send(self, request, *args)

    monkeypatch.setattr(WorkerProcess, "send", sent)
    return found


async def gone(*processes: int) -> None:
    """Wait until the processes have ended."""
    await eventually(lambda: not any(Path(f"/proc/{it}").exists() for it in processes))


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_file_that_kills_or_stops_a_worker_costs_no_other_file(
    descriptor: int, monkeypatch: pytest.MonkeyPatch, signal_: signal.Signals
) -> None:
    hurt_ones = hurt(monkeypatch, "3.jpg", signal_)
    async with open_workers(max_sent=1) as workers:
        found = await workers.read(asked(descriptor, 7), 2.0)
    widths = [result.width if isinstance(result, Probed) else None for result in found]
    assert widths == [64, 64, 64, None, 64, 64, 64]
    assert isinstance(found[3], WorkerFailed)
    await gone(*hurt_ones)


async def test_many_requests_are_answered_in_order_by_one_process(
    workers: Workers, descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes, send = list[int](), WorkerProcess.send

    async def noted(self: WorkerProcess, *args: Any) -> None:
        processes.append(self.id)
        await send(self, *args)

    monkeypatch.setattr(WorkerProcess, "send", noted)
    jobs = [
        (msgspec.structs.replace(request, modified_at=number * 1_000_000), files)
        for number, (request, files) in enumerate(asked(descriptor, 100))
    ]
    found = await workers.read(jobs, 20)
    taken = [result.taken.at for result in found if isinstance(result, Probed) and result.taken]
    assert taken == [number * 1_000 for number in range(100)]
    assert len(set(processes)) == 1


async def test_an_idle_worker_that_somebody_killed_is_replaced(
    workers: Workers, descriptor: int
) -> None:
    await workers.read(asked(descriptor), 20)
    [first] = processes_of(workers)
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    [found] = await workers.read(asked(descriptor), 20)
    assert isinstance(found, Probed)
    assert processes_of(workers) != [first]


async def test_a_worker_without_work_ends(descriptor: int) -> None:
    async with open_workers(idle_seconds=0.5) as workers:
        await workers.read(asked(descriptor), 20)
        processes = processes_of(workers)
        assert processes
        await gone(*processes)


async def test_closing_ends_workers_that_hang(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurt_ones = hurt(monkeypatch, "0.jpg", signal.SIGSTOP)
    async with open_workers() as workers:
        reading = asyncio.create_task(workers.read(asked(descriptor), 60))
        await eventually(lambda: hurt_ones)
    with pytest.raises(Unavailable, match="stopping"):
        await reading
    assert not Path(f"/proc/{hurt_ones[0]}").exists()
    with pytest.raises(Unavailable, match="stopping"):
        await workers.read(asked(descriptor), 60)


async def test_a_caller_that_leaves_takes_its_worker_along(
    workers: Workers, descriptor: int
) -> None:
    for turns in (0, 1, 5, 50, 500):
        reading = asyncio.create_task(workers.read(asked(descriptor, 5), 60))
        for _ in range(turns):
            await pause(0.0005)
        processes = processes_of(workers)
        reading.cancel()
        if (await asyncio.gather(reading, return_exceptions=True))[0] != []:
            await gone(*(it for it in processes if it not in processes_of(workers)))
    assert isinstance((await workers.read(asked(descriptor), 60))[0], Probed)


NONSENSE: dict[str, bytes] = {
    "no msgpack": b"\xc1",
    "another type": msgspec.msgpack.encode({"result": {"pictures": [1]}}),
    "pickle": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
    "no picture": msgspec.msgpack.encode({"result": {"pictures": {"small": b"<html>"}}}),
    "a size that is none": msgspec.msgpack.encode({"result": {"pictures": {"huge": b""}}}),
    "nothing": msgspec.msgpack.encode({}),
    "a long error": msgspec.msgpack.encode({"error": "x" * 9_999}),
}


@pytest.mark.parametrize("content", NONSENSE.values(), ids=NONSENSE)
async def test_a_worker_that_was_taken_over_has_no_say(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """An invalid answer is a failure, and the process is ended."""
    answer = len(content).to_bytes(4) + content
    monkeypatch.setattr(worker_process, "_MAIN", taken_over(answer))
    with pytest.raises(WorkerFailed):
        await workers.render(RenderFile("x.jpg", ("small",)), (), 20)
    assert processes_of(workers) == []


async def test_a_worker_cannot_make_the_server_take_as_much_as_it_likes(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "_MAIN", taken_over(b"\xff\xff\xff\xff", and_more=True))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(WorkerFailed, match="bytes"):
        await workers.render(RenderFile("x.jpg", ("small",)), (), 20)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 << 10


def taken_over(answer: bytes, *, and_more: bool = False) -> str:
    """Return a program that replaces a worker: it sends `answer`, and optionally endless data."""
    hello = msgspec.msgpack.encode({"sandbox": []})
    return (
        "import socket, sys\n"
        "connection = socket.socket(fileno=int(sys.argv[1]))\n"
        f"connection.sendall({len(hello).to_bytes(4) + hello!r})\n"
        "connection.recv(4)\n"
        f"connection.sendall({answer!r})\n"
        f"while {and_more}:\n"
        "    connection.sendall(bytes(1 << 20))\n"
        "connection.recv(1 << 20)\n"
        "connection.recv(1 << 20)\n"
    )


# The sandbox. A worker cannot import `tests`, so each attempt is a separate program.

TRIED = """
import json, os, socket, subprocess, sys, threading
from gallery.media import sandbox
from gallery.media.child import main
inherited = os.open(sys.argv[2], os.O_RDONLY)
held = sandbox.confine(os.getppid())
def outcome(work):
    try:
        work()
    except OSError as error:
        return error.errno
    return None
def thread():
    result = []
    one = threading.Thread(target=lambda: result.append(outcome(lambda: open("/etc/passwd"))))
    one.start()
    one.join()
    return result[0]
def fork():
    if os.fork() == 0:
        os._exit(0)
server = os.getppid()
print(json.dumps({
    "held": held,
    "inherited": outcome(lambda: os.read(inherited, 1)),
    "read": outcome(lambda: open("/etc/passwd")),
    "read the file by its name": outcome(lambda: open(sys.argv[2])),
    "list": outcome(lambda: os.listdir("/")),
    "read in a thread": thread(),
    "write": outcome(lambda: open(sys.argv[3] + "/new", "w")),
    "remove": outcome(lambda: os.unlink(sys.argv[2])),
    "rename": outcome(lambda: os.rename(sys.argv[2], sys.argv[3] + "/new")),
    "truncate": outcome(lambda: os.truncate(sys.argv[2], 0)),
    "mode": outcome(lambda: os.fchmod(inherited, 0o777)),
    "time": outcome(lambda: os.utime(inherited, (1, 1))),
    "connect": outcome(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])))),
    "unix": outcome(lambda: socket.socket(socket.AF_UNIX)),
    "fork": outcome(fork),
    "execute": outcome(lambda: os.execv(sys.executable, [sys.executable, "-c", "pass"])),
    "spawn": outcome(lambda: subprocess.run([sys.executable, "-c", "pass"])),
    "signal": outcome(lambda: os.kill(server, 0)),
    "limits of others": outcome(lambda: __import__("resource").prlimit(server, 7, (9, 9))),
    "environment": outcome(lambda: open(f"/proc/{server}/environ")),
}))
"""


@LINUX
def test_a_worker_can_do_nothing_but_decode(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-P", "-c", TRIED, str(port), str(secret), str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        )
    found = json.loads(ended.stdout)
    held = found.pop("held")
    if held != ["filesystem", "network", "processes"]:
        pytest.skip(f"this kernel, or a container around us, allows only {held}")
    allowed = {name for name, outcome in found.items() if outcome is None}
    assert allowed == {"inherited"}
    assert secret.read_text() == "secret"
    assert sorted(tmp_path.iterdir()) == [secret]


@LINUX
async def test_workers_say_what_holds_and_have_nothing_to_steal(
    workers: Workers, descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GALLERY_DATABASE", "postgresql://me:secret@localhost/")
    assert workers.sandbox is None
    await workers.read(asked(descriptor), 20)
    [process] = processes_of(workers)
    status = Path(f"/proc/{process}/status").read_text()
    assert workers.sandbox is not None
    assert ("Seccomp:\t2" in status) == ("processes" in workers.sandbox)
    limits = Path(f"/proc/{process}/limits").read_text().splitlines()
    memory = next(line for line in limits if line.startswith("Max address space"))
    assert memory.split()[3] == str(sandbox.MAX_MEMORY)
    opened = {it.readlink() for it in Path(f"/proc/{process}/fd").iterdir()}
    assert {str(it).partition(":")[0] for it in opened} <= {"/dev/null", "socket", "anon_inode"}
    assert b"secret" not in Path(f"/proc/{process}/environ").read_bytes()


async def test_a_hard_limit_of_memory_below_ours_holds_as_it_is(tmp_path: Path) -> None:
    """If the server has a limit below 2 GiB, its workers have the same."""
    (tmp_path / "x.jpg").write_bytes(picture("JPEG"))
    code = (
        "import asyncio, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))\n"
        "from gallery.media.jobs import RenderFile\n"
        "from gallery.media.worker import open_workers\n"
        "async def main():\n"
        "    async with open_workers() as workers:\n"
        "        with open(sys.argv[1], 'rb') as file:\n"
        "            request = RenderFile('x.jpg', ('small',))\n"
        "            print((await workers.render(request, [file.fileno()], 60)).thumbhash)\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "x.jpg")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() not in ("", "None")


@LINUX
async def test_workers_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    """It is true even of a worker that never looks at its connection: here one is stopped."""
    (tmp_path / "x.jpg").write_bytes(picture("JPEG"))
    code = (
        "import asyncio, os, signal, sys\n"
        "from gallery.media.jobs import ReadFile\n"
        "from gallery.media.worker import open_workers\n"
        "async def main():\n"
        "    async with open_workers() as workers:\n"
        "        with open(sys.argv[1], 'rb') as file:\n"
        "            await workers.read([(ReadFile('x.jpg', 0), [file.fileno()])], 60)\n"
        "        [child] = workers._children\n"
        "        os.kill(child.id, signal.SIGSTOP)\n"
        "        print(child.id, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code, str(tmp_path / "x.jpg")], stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        process = int(await asyncio.to_thread(server.stdout.readline))
        server.kill()
    await gone(process)


async def test_no_code_of_the_library_runs_in_a_worker(
    workers: Workers, descriptor: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cd ~/Pictures && gallery serve .`: modules in that folder are never imported."""
    (tmp_path / "anyio").mkdir()
    for name in ("json.py", "pickle.py", "msgspec.py", "PIL.py", "anyio/__init__.py", "site.py"):
        (tmp_path / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})")
    monkeypatch.chdir(tmp_path)
    [found] = await workers.read(asked(descriptor), 20)
    assert isinstance(found, Probed)
    assert not (tmp_path / "ran").exists()
