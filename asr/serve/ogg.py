"""Opus packets as an Ogg file in memory (RFC 3533, RFC 7845), which libsndfile can decode."""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence

OPUS_RATE = 48_000  # Hz, in which Ogg counts the samples of Opus whatever was recorded
MOST_SEGMENTS = 255  # of a page, of 255 bytes each
BEGINS, ENDS = 0x02, 0x04  # flags of a page
SERIAL = 1
TAGS = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", 0)  # no vendor, no comments
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
MOST_SAMPLES = 5760  # of a packet, 120 ms


class DamagedPacket(Exception):
    """A packet that is none of Opus."""


def ogg_of(head: bytes, packets: Sequence[bytes]) -> bytes:
    """An Ogg file of Opus packets; head: the OpusHead that they were encoded with. Raises DamagedPacket."""
    pages = [page([head], 0, 0, BEGINS), page([TAGS], 0, 1, 0)]
    groups, samples = list(grouped(packets)), 0
    for number, group in enumerate(groups):
        samples += sum(map(samples_of, group))
        pages.append(page(group, samples, 2 + number, ENDS if number == len(groups) - 1 else 0))
    return b"".join(pages)


def grouped(packets: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Packets in lists that fit into a page each."""
    group: list[bytes] = []
    room = MOST_SEGMENTS
    for packet in packets:
        needed = len(packet) // 255 + 1
        if needed > MOST_SEGMENTS:
            raise DamagedPacket(f"a packet has {len(packet)} bytes")
        if needed > room:
            yield group
            group, room = [], MOST_SEGMENTS
        group.append(packet)
        room -= needed
    if group:
        yield group


def samples_of(packet: bytes) -> int:
    """How many samples at 48 kHz a packet holds, by its first bytes (RFC 6716, section 3.1)."""
    if not packet:
        raise DamagedPacket("a packet is empty")
    kind, code = packet[0] >> 3, packet[0] & 3
    if kind < 12:
        frame = (480, 960, 1920, 2880)[kind & 3]
    elif kind < 16:
        frame = (480, 960)[kind & 1]
    else:
        frame = (120, 240, 480, 960)[kind & 3]
    if code == 3 and len(packet) < 2:
        raise DamagedPacket("a packet ends before its number of frames")
    samples = frame * (1 if code == 0 else 2 if code < 3 else packet[1] & 0x3F)
    if not 0 < samples <= MOST_SAMPLES:
        raise DamagedPacket(f"a packet claims {samples / OPUS_RATE:.3f} s")
    return samples


def page(packets: Sequence[bytes], samples: int, number: int, flags: int) -> bytes:
    """One page of whole packets; samples: how many have ended with it."""
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    header = struct.pack("<4sBBqIII", b"OggS", 0, flags, samples, SERIAL, number, 0)
    content = header + bytes([len(lacing)]) + lacing + b"".join(packets)
    return content[:22] + struct.pack("<I", checksum(content)) + content[26:]


def checksum(content: bytes) -> int:
    """Ogg's CRC-32: zlib's polynomial with every bit in the opposite order, beginning with 0 and not inverted."""
    reflected = zlib.crc32(content.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
