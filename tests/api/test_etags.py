"""Entity tags as text: those in request headers, and our own."""

import pytest

from gallery.api import etags
from gallery.api.etags import EntityTag, Version
from gallery.model import ListRevision, Revision

HERE = etags.origin(1_700_000_000_000)
ELSEWHERE = etags.origin(1_700_000_000_001)


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("", []),
        ('"a"', [EntityTag(False, "a")]),
        ('W/"a"', [EntityTag(True, "a")]),
        ('""', [EntityTag(False, "")]),
        (
            '  "a" ,"b",\tW/"c"',
            [EntityTag(False, "a"), EntityTag(False, "b"), EntityTag(True, "c")],
        ),
        ('"a,b"', [EntityTag(False, "a,b")]),
        ('"a", b, "c"', [EntityTag(False, "a")]),
        ('"a" "b"', []),
        ('w/"a"', []),
        ('"a b"', []),
        ('"\x7f"', []),
        ('"ä"', [EntityTag(False, "ä")]),
        ("*", []),
    ],
)
def test_a_list_is_read_up_to_its_first_malformed_member(
    header: str, tags: list[EntityTag]
) -> None:
    assert list(etags.parse(header)) == tags


@pytest.mark.parametrize(
    ("header", "weakly", "strongly"),
    [
        ('"a"', True, True),
        ('"x", "a"', True, True),
        ('W/"a"', True, False),
        ('W/"a", "a"', True, True),
        ('"A"', False, False),
        ("a", False, False),
        ("", False, False),
        (" * ", True, True),
        ('*, "x"', False, False),
    ],
)
def test_a_list_names_a_tag(header: str, weakly: bool, strongly: bool) -> None:
    assert etags.names(header, "a") is weakly
    assert etags.names(header, "a", is_strong=True) is strongly
    assert etags.names(header, "a", any_=False) is (weakly and "*" not in header)


def test_the_tag_of_a_state_says_its_version_and_its_origin() -> None:
    assert etags.opaque(Revision(7, 2), HERE) == f"7-2-{HERE}"
    assert etags.opaque(ListRevision(1, 2, 3, 4, 5), HERE) == f"1-2-3-4-5-{HERE}"
    assert HERE != ELSEWHERE


OURS = etags.opaque(Revision(7, 2), HERE)


@pytest.mark.parametrize(
    ("header", "allowed"),
    [
        ("*", None),
        (f'"{OURS}"', {7}),
        (f'"{OURS}{etags.GZIP}"', {7}),
        (f'"{etags.opaque(Revision(7, 999), HERE)}"', {7}),
        (f'"{OURS}", "{etags.opaque(Revision(9, 0), HERE)}"', {7, 9}),
        (f'W/"{OURS}"', set()),
        (f'"{etags.opaque(Revision(7, 2), ELSEWHERE)}"', set()),
        (f'"{etags.opaque(ListRevision(1, 2, 3, 4, 5), HERE)}"', set()),
        ('"7"', set()),
        (f'"{"9" * 20}-1-{HERE}"', set()),
        ("", set()),
    ],
)
def test_if_match_allows_the_versions_of_our_tags(header: str, allowed: set[int] | None) -> None:
    assert etags.versions(header, HERE) == allowed


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("Thu, 01 Jan 1970 00:00:01 GMT", 1),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("Thu, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:01 GMT" + " " * 100, None),
    ],
)
def test_a_time_is_a_date_of_http(header: str | None, time: int | None) -> None:
    assert etags.http_time(header) == time


def test_the_headers_of_a_version_name_it() -> None:
    headers = Version("ab", 784_111_777).headers
    assert headers == {"ETag": '"ab"', "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}
    assert etags.names(headers["ETag"], "ab", is_strong=True)
    assert etags.http_time(headers["Last-Modified"]) == 784_111_777
