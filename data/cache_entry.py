"""What a cache keeps, and how it is written where others may write too."""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgpack
import orjson

Format = Literal["json", "msgpack", "json+zlib", "msgpack+zlib"]
_HEAD = struct.Struct(">Id")  # checksum, and when the entry lapses


class Entry(NamedTuple):
    """Values that JSON can hold, good until `expires_at`, in seconds since 1970."""

    values: Mapping[str, Any]
    expires_at: float


@dataclass(frozen=True, slots=True)
class EntryFormat:
    """Writes entries as bytes that nobody takes for another key's, another format's, or whole when they are not."""

    name: Format

    def write(self, key: str, entry: Entry) -> bytes:
        body = _PACK[self.name](entry.values)
        sealed = _HEAD.pack(0, entry.expires_at)[4:] + body
        return self._checksum(key, sealed) + sealed

    def read(self, key: str, written: bytes) -> Entry | None:
        """The entry, or None where these bytes are not what `write` made for this key."""
        if len(written) < _HEAD.size or written[:4] != self._checksum(key, written[4:]):
            return None
        try:
            values = _UNPACK[self.name](written[_HEAD.size :])
        except (ValueError, zlib.error, msgpack.UnpackException):
            return None
        return Entry(values, _HEAD.unpack_from(written)[1]) if isinstance(values, dict) else None

    def _checksum(self, key: str, sealed: bytes) -> bytes:
        return zlib.crc32(sealed, zlib.crc32(f"{self.name} {key}".encode())).to_bytes(4, "big")


_PACK: Mapping[Format, Callable[[Any], bytes]] = {
    "json": orjson.dumps,
    "msgpack": msgpack.packb,
    "json+zlib": lambda values: zlib.compress(orjson.dumps(values)),
    "msgpack+zlib": lambda values: zlib.compress(msgpack.packb(values)),
}
_UNPACK: Mapping[Format, Callable[[bytes], Any]] = {
    "json": orjson.loads,
    "msgpack": msgpack.unpackb,
    "json+zlib": lambda body: orjson.loads(zlib.decompress(body)),
    "msgpack+zlib": lambda body: msgpack.unpackb(zlib.decompress(body)),
}
