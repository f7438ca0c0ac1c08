"""What a file's container says about its own length, told from its first and last bytes without decoding.

libsndfile quietly reads a shortened WAV, AIFF or Ogg file up to where it ends; here the loss is noticed.
RIFF/WAVE: IBM & Microsoft, Multimedia Programming Interface 1.0; AIFF: Apple 1989; Ogg: RFC 3533.
"""

import os
import struct
from io import BytesIO
from typing import BinaryIO

PLACEHOLDERS = (0, 0xFFFFFFFF)  # lengths that a program writes which streams and cannot go back
OPEN_END = 0x7FFF0000  # sox and arecord write about 2 GiB instead
OGG_TAIL = 1 << 16  # an Ogg page has at most 65307 bytes
OGG_END_OF_STREAM = 0x04
OGG_HEADER = 27


def missing_part(stream: BinaryIO) -> str | None:
    """What is missing from an audio file, in words; "everything" where it has no bytes, None where nothing is."""
    stream.seek(0, os.SEEK_END)
    size = stream.tell()
    if size == 0:
        return "everything"
    stream.seek(0)
    head = stream.read(12)
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return _missing_from_chunks(stream, size, b"data", "<")
    if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        return _missing_from_chunks(stream, size, b"SSND", ">")
    if head[:4] == b"OggS":
        return _missing_from_ogg(stream, size)
    return None


def _missing_from_chunks(stream: BinaryIO, size: int, wanted: bytes, order: str) -> str | None:
    """Compare the length that the chunk with the samples declares with the bytes that follow it."""
    position = 12
    while position + 8 <= size:
        stream.seek(position)
        name, declared = struct.unpack(f"{order}4sI", stream.read(8))
        position += 8
        if name == wanted:
            left = size - position
            if declared <= left or declared in PLACEHOLDERS or (declared >= OPEN_END and left < OPEN_END):
                return None
            return f"the header promises {declared} bytes of samples, the file holds {left} ({left / declared:.0%})"
        position += declared + declared % 2  # chunks are padded to even lengths
    return "the file ends before its samples begin"


def with_wav_lengths(stream: BinaryIO) -> BytesIO | None:
    """A copy of a WAV file with its lengths filled in, where the program that streamed it left them 0; else None.

    libsndfile reads such a file as empty. (One that is empty has the right length of the whole in its header.)
    """
    stream.seek(0)
    head = stream.read(4096)
    at = head.find(b"data", 12)
    if head[:4] != b"RIFF" or head[4:8] != bytes(4) or at < 0 or head[at + 4 : at + 8] != bytes(4):
        return None
    content = bytearray(head + stream.read())
    struct.pack_into("<I", content, 4, len(content) - 8)
    struct.pack_into("<I", content, at + 4, len(content) - at - 8)
    return BytesIO(content)


def _missing_from_ogg(stream: BinaryIO, size: int) -> str | None:
    """The last page must be whole and carry the end-of-stream flag."""
    stream.seek(max(0, size - OGG_TAIL - OGG_HEADER))
    tail = stream.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) - page < OGG_HEADER:
        return "the last Ogg page is cut off"
    segments = tail[page + OGG_HEADER - 1]
    lacing = tail[page + OGG_HEADER : page + OGG_HEADER + segments]
    if len(lacing) < segments or len(tail) - page < OGG_HEADER + segments + sum(lacing):
        return "the last Ogg page is cut off"
    if not tail[page + 5] & OGG_END_OF_STREAM:
        return "the Ogg stream has no end-of-stream page"
    return None
