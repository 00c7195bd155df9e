"""Reading metadata of new photographs, compared with Pillow alone.

Both sides are measured in seconds of processor time, ours over all its processes, because
parallelism is another question. Pillow only opens each file and reads its dimensions.
"""

import io
import os
from pathlib import Path
from time import perf_counter, process_time, sleep

import msgspec
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from tests.bench.client import Request
from tests.bench.processes import Server
from tests.bench.scans import MOST_SECONDS

PIXELS = (1_200, 800)
_LONG_AGO = 1_700_000_000
_TICKS = os.sysconf("SC_CLK_TCK")
_XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmp:Rating="4"><dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>Paris</rdf:li></rdf:Bag>
</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""


def make_photographs(folder: Path, count: int) -> None:
    """Write pictures of noise, some 600 KB each, with EXIF, GPS and XMP as cameras write them."""
    folder.mkdir(parents=True)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", "Canon EOS R5", 6
    own, gps = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    own[0x9003], own[0x9011], own[0xA434] = "2025:07:03 12:13:14", "+02:00", "RF24-70mm F2.8 L"
    own[0x829A], own[0x829D], own[0x8827] = IFDRational(1, 250), IFDRational(28, 10), 100
    gps[1], gps[2] = "N", (IFDRational(48), IFDRational(51), IFDRational(30))
    gps[3], gps[4] = "E", (IFDRational(2), IFDRational(17), IFDRational(40))
    buffer = io.BytesIO()
    noise = Image.effect_noise(PIXELS, 60).convert("RGB")
    noise.save(buffer, "JPEG", quality=85, exif=exif, xmp=_XMP)
    for number in range(count):
        file = folder / f"IMG_{number:05d}.jpg"
        file.write_bytes(buffer.getvalue() + b"%d" % number)  # makes the bytes of each file unique
        os.utime(file, (_LONG_AGO, _LONG_AGO))


def bare(folder: Path) -> float:
    """Read all files with Pillow alone in this process; return the processor seconds."""
    begun = process_time()
    for entry in os.scandir(folder):
        with Image.open(entry.path) as image:
            assert image.size == PIXELS
    return process_time() - begun


def ours(server: Server, count: int, idle: float) -> tuple[float, float]:
    """Wait until every file is read; return processor seconds without `idle`, and elapsed ones."""
    begun = perf_counter()
    question = Request("GET", "/api/items?limit=1&hasLocation=true&sort=addedAt&order=desc")
    latest = Request("GET", "/api/library")
    with server.connection() as connection:
        while True:
            (root,) = msgspec.json.decode(connection.ask(latest).body)["roots"]
            is_read = root["progress"] is None or root["progress"]["phase"] == "drawing"
            if root["itemCount"] == count and is_read:
                found = msgspec.json.decode(connection.ask(question).body)["items"]
                if found and found[0]["name"] == f"IMG_{count - 1:05d}.jpg":
                    return spent(server) - idle, perf_counter() - begun
            assert perf_counter() - begun < MOST_SECONDS
            sleep(0.2)  # frequent requests would distort the measurement


def spent(server: Server) -> float:
    """Return the processor seconds of a server and its running child processes so far."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text("ascii").split()
    return sum(_seconds(pid) for pid in (str(server.pid), *children))


def _seconds(pid: str) -> float:
    """Return the processor seconds of a process, and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS
