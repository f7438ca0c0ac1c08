"""Recordings in memory, whole and damaged, and a writer of WebM as browsers write it."""

import io
import struct
from itertools import pairwise

import numpy as np
import soundfile

RATE = 16_000
OPEN_SIZE = b"\x01" + b"\xff" * 7


def chirp(seconds: float = 1.0, low_hz: float = 200.0, high_hz: float = 2000.0, rate: int = RATE) -> np.ndarray:
    """(S,): a tone that rises, with a little noise."""
    at = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * (low_hz * at + (high_hz - low_hz) * at**2 / (2 * seconds))
    return 0.3 * np.sin(phase) + np.random.default_rng(0).normal(0, 0.005, len(at))


def encoded(samples: np.ndarray, rate: int = RATE, **how: str) -> bytes:
    """A file in memory; WAV of 16 bits unless `how` says something else."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **({"format": "WAV"} | how))
    return file.getvalue()


def opus_packets(ogg: bytes) -> list[bytes]:
    """The packets of an Ogg file: its head, its tags, its sound."""
    packets, at, pending = [], 0, b""
    while at < len(ogg):
        sizes = ogg[at + 27 : at + 27 + ogg[at + 26]]
        at += 27 + len(sizes)
        for size in sizes:
            pending += ogg[at : at + size]
            at += size
            if size < 255:
                packets.append(pending)
                pending = b""
    return packets


def element(name: str, content: bytes, open_ended: bool = False) -> bytes:
    """An EBML element; name: its id in hexadecimal."""
    size = OPEN_SIZE if open_ended else (1 << 56 | len(content)).to_bytes(8, "big")
    return bytes.fromhex(name) + size + content


def vint(value: int) -> bytes:
    return bytes([0x80 | value]) if value < 127 else (0x4000 | value).to_bytes(2, "big")


def xiph(packets: list[bytes]) -> bytes:
    sizes = [b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in packets[:-1]]
    return bytes([len(packets) - 1]) + b"".join(sizes) + b"".join(packets)


def ebml(packets: list[bytes]) -> bytes:
    lengths = [len(each) for each in packets]
    sizes = vint(lengths[0])
    for before, after in pairwise(lengths[:-1]):
        sizes += (0x4000 | (after - before + 8191)).to_bytes(2, "big")
    return bytes([len(packets) - 1]) + sizes + b"".join(packets)


LACINGS = {"none": None, "xiph": (0x02, xiph), "ebml": (0x06, ebml)}


def webm(samples: np.ndarray, rate: int = 48_000, lacing: str = "none", open_ended: bool = True) -> bytes:
    """A WebM file of one Opus track; open_ended: sizes of Segment and Clusters are not told, as in a live recording."""
    head, _, *packets = opus_packets(encoded(samples, rate, format="OGG", subtype="OPUS"))
    how = LACINGS[lacing]
    groups = [packets[at : at + 5] for at in range(0, len(packets), 5)]
    clusters = b""
    for group in groups:
        if how is None or len(group) < 2:
            blocks = b"".join(element("a3", b"\x81\0\0\x80" + packet) for packet in group)
        else:
            inside = b"\x81\0\0" + bytes([how[0]]) + how[1](group)
            blocks = element("a0", element("a1", inside))
        clusters += element("1f43b675", element("e7", b"\0") + blocks, open_ended)
    video = element("ae", element("d7", b"\x02") + element("86", b"V_VP8"))
    audio = element("ae", element("d7", b"\x01") + element("86", b"A_OPUS") + element("63a2", head))
    inside = element("1549a966", struct.pack(">I", 0)) + element("1654ae6b", video + audio) + clusters
    return element("1a45dfa3", element("4282", b"webm")) + element("18538067", inside, open_ended)
