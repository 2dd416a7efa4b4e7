"""Changes to single boxes of MP4 files (ISO 14496-12), to declare what is not so."""

import struct
from collections.abc import Callable, Iterator

_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts"})


def payloads(data: bytes, kind: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Begin and end of the content of each box `kind`, wherever it is nested."""
    stop = len(data) if end is None else end
    while start + 8 <= stop:
        size, name = struct.unpack_from(">I4s", data, start)
        if size < 8:
            return
        if name == kind:
            yield start + 8, start + size
        if name in _PARENTS:
            yield from payloads(data, kind, start + 8, start + size)
        start += size


def overwritten(kind: bytes, offset: int, value: bytes) -> Callable[[bytes], bytes]:
    """A change that puts `value` at `offset` in the content of every box `kind`."""

    def change(data: bytes) -> bytes:
        changed = bytearray(data)
        for begin, _ in payloads(data, kind):
            changed[begin + offset : begin + offset + len(value)] = value
        assert len(changed) == len(data) and changed != data
        return bytes(changed)

    return change


def same_entries(kind: bytes, width: int, at: int, value: bytes) -> Callable[[bytes], bytes]:
    """A change that puts `value` at `at` in each `width` bytes long entry of the tables `kind`."""

    def change(data: bytes) -> bytes:
        changed = bytearray(data)
        for begin, end in payloads(data, kind):
            for entry in range(begin + 8, end, width):
                changed[entry + at : entry + at + len(value)] = value
        assert changed != data
        return bytes(changed)

    return change


def pointing_outside(data: bytes, target: str) -> bytes:
    """The film's samples said to lie in another file, `target`: a data reference of QuickTime's alias kind.

    For files whose `moov` comes last, so that no offset moves.
    """
    path = target.encode()
    record = struct.pack(">HH", 2, len(path)) + path + b"\0" * (len(path) % 2) + struct.pack(">hH", -1, 0)
    name = path.rsplit(b"/", 1)[-1]
    alias = bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0")
    alias += bytes(16) + struct.pack(">HH", 1, 1) + bytes(16) + record
    entry = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    table = struct.pack(">II", 0, 1) + entry
    begin, end = next(payloads(data, b"dref"))
    grown = len(table) - (end - begin)
    changed = bytearray(data[:begin] + table + data[end:])
    for kind in (*_PARENTS, b"dref"):
        for inner, outer in payloads(data, kind):
            if inner <= begin and end <= outer:
                struct.pack_into(">I", changed, inner - 8, outer - inner + 8 + grown)
    return bytes(changed)
