"""Files with common extensions, from end to end: listed, read, sent and drawn."""

import io
from pathlib import Path

import pytest
from PIL import Image

from gallery.config import Settings
from tests.support.corpus import AVCHD, encoded, film, original
from tests.support.library import Tree, read, scanned
from tests.support.serving import serving

SHOWN = original()
FILMS = {
    "avchd.MTS": ("video/mp2t", film(SHOWN, "mpegts", "libx264", muxing=AVCHD)),
    "blu-ray.m2ts": ("video/mp2t", film(SHOWN, "mpegts", "libx264", muxing=AVCHD)),
    "tape.m2t": ("video/mp2t", film(SHOWN, "mpegts", "mpeg2video")),
    "disc.mpg": ("video/mpeg", film(SHOWN, "mpeg", "mpeg2video")),
    "disc.vob": ("video/mpeg", film(SHOWN, "vob", "mpeg2video")),
    "phone.3gp": ("video/3gpp", film(SHOWN, "3gp", "mpeg4")),
    "phone.3g2": ("video/3gpp2", film(SHOWN, "3g2", "libx264")),
    "windows.wmv": ("video/x-ms-wmv", film(SHOWN, "asf", "wmv2")),
    "windows.asf": ("video/x-ms-asf", film(SHOWN, "asf", "wmv2")),
}
PICTURES = {
    "saved.jfif": ("image/jpeg", encoded(SHOWN, "JPEG")),
    "canon.HIF": ("image/heif", encoded(SHOWN, "HEIF")),
}


async def test_files_of_every_ending_are_listed_read_sent_and_drawn(tmp_path: Path) -> None:
    library = Tree(tmp_path / "library")
    files = FILMS | PICTURES
    for name, (_mime, content) in files.items():
        library.write(name, content=content)
    library.write("page.ts", content=b"export const a = 1")
    library.age()
    settings = Settings((str(library.folder),), str(tmp_path / "data"))
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        await read(settings)
        items = (await client.get("/api/items")).json()["items"]
        assert {item["name"] for item in items} == set(files)
        for item in items:
            mime, content = files[item["name"]]
            whole = (await client.get(f"/api/items/{item['id']}")).json()
            assert (whole["mimeType"], whole["problem"]) == (mime, None)
            assert (item["width"], item["height"]) == SHOWN.size
            sent = await client.get(item["url"])
            assert (sent.headers["content-type"], sent.content) == (mime, content)
            assert sent.headers["x-content-type-options"] == "nosniff"
            drawn = await client.get(item["thumbnailUrl"])
            assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/webp")
            assert Image.open(io.BytesIO(drawn.content)).size == (256, 171)
        for type_, names in (("video", FILMS), ("image", PICTURES)):
            found = (await client.get("/api/items", params={"types": type_})).json()["items"]
            assert {item["name"] for item in found} == set(names)
            for item in found:
                assert item["duration"] == (pytest.approx(5, abs=0.3) if names is FILMS else None)
