"""The Opus track of a WebM file, as browsers record it (RFC 8794: EBML; RFC 9559: Matroska), as an Ogg file.

libsndfile cannot read WebM. Sizes may be left open, as they are in a live recording; pauses are closed up.
"""

from collections.abc import Iterator

from asr.audio.recording import AudioProblem, truncated_problem
from asr.serve.ogg import DamagedPacket, ogg_of

BEGINNING = b"\x1a\x45\xdf\xa3"  # the id of the EBML header
ENTERED = {0x18538067, 0x1654AE6B, 0x1F43B675, 0xA0}  # Segment, Tracks, Cluster, BlockGroup
TRACK, TRACK_NUMBER, CODEC, CODEC_PRIVATE, ENCODINGS = 0xAE, 0xD7, 0x86, 0x63A2, 0x6D80
BLOCKS = {0xA3, 0xA1}  # SimpleBlock, and the Block of a BlockGroup
OPEN = -1  # the size of an element whose end is not told
XIPH_LACING, FIXED_LACING = 1, 2
LONGEST_ID, LONGEST_SIZE = 4, 8  # bytes


def is_webm(content: bytes) -> bool:
    """Whether a file begins as WebM and every other Matroska does."""
    return content.startswith(BEGINNING)


def ogg_of_webm(content: bytes) -> bytes:
    """The packets of its first Opus track as an Ogg file. Raises AudioProblem: audio_unreadable, _truncated, _empty."""
    wanted: int | None = None
    head, codecs, packets = b"", [], []
    try:
        for name, start, end in elements(content, 0, len(content)):
            if name == TRACK:
                number, codec, private = track(content, start, end)
                codecs.append(codec)
                if wanted is None and codec == "A_OPUS" and private.startswith(b"OpusHead"):
                    wanted, head = number, private
            elif name in BLOCKS:
                of_track, frames = block(content, start, end)
                packets += frames if of_track == wanted else []
        if wanted is None:
            raise unreadable(f"it holds {', '.join(codecs) or 'no track'}, and no track of Opus")
        if not packets:
            raise AudioProblem("audio_empty", "the recording has no samples", "record it again")
        return ogg_of(head, packets)
    except (IndexError, ValueError, DamagedPacket) as error:
        raise unreadable(f"damaged ({error})") from error


def unreadable(detail: str) -> AudioProblem:
    return AudioProblem("audio_unreadable", f"WebM that cannot be decoded: {detail}", "record it again")


def elements(content: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The id of every element and where its content begins and ends; those of ENTERED are gone into."""
    while at < end:
        name, at = number_at(content, at, LONGEST_ID, keep_marker=True)
        size, at = number_at(content, at, LONGEST_SIZE)
        if size == OPEN and name not in ENTERED:
            raise ValueError(f"element {name:X} has no size")
        if size != OPEN and at + size > end:
            raise truncated_problem("the file ends within its sound")
        if name in ENTERED:
            continue
        yield name, at, at + size
        at += size


def number_at(content: bytes, at: int, longest: int, keep_marker: bool = False) -> tuple[int, int]:
    """A number of EBML's variable length, OPEN where all its bits are set, and the place after it."""
    if at >= len(content):
        raise truncated_problem("the file ends within its sound")
    length = 9 - content[at].bit_length()
    if length > longest:
        raise ValueError(f"no number at byte {at}")
    if at + length > len(content):
        raise truncated_problem("the file ends within its sound")
    value = int.from_bytes(content[at : at + length], "big")
    if keep_marker:
        return value, at + length
    bits = (1 << 7 * length) - 1
    return (OPEN if value & bits == bits else value & bits), at + length


def track(content: bytes, start: int, end: int) -> tuple[int, str, bytes]:
    """The number of a track, its codec, and what this needs to be known beforehand."""
    number, codec, private = 0, "", b""
    for name, first, last in elements(content, start, end):
        if name == TRACK_NUMBER:
            number = int.from_bytes(content[first:last], "big")
        elif name == CODEC:
            codec = content[first:last].rstrip(b"\0").decode("ascii", "replace")[:32]
        elif name == CODEC_PRIVATE:
            private = content[first:last]
        elif name == ENCODINGS:
            raise ValueError("a track is compressed or encrypted")
    return number, codec, private


def block(content: bytes, start: int, end: int) -> tuple[int, list[bytes]]:
    """The track of a block, and its packets: one, or several behind their sizes (RFC 9559, section 10.3)."""
    number, at = number_at(content, start, LONGEST_SIZE)
    lacing = content[at + 2] >> 1 & 3
    at += 3  # the time, and the flags
    if lacing == 0:
        return number, [content[at:end]]
    count, at = content[at] + 1, at + 1
    if lacing == FIXED_LACING:
        each = (end - at) // count
        return number, [content[at + place * each : at + (place + 1) * each] for place in range(count)]
    read = xiph_sizes if lacing == XIPH_LACING else ebml_sizes
    sizes, at = read(content, at, count - 1)
    sizes.append(end - at - sum(sizes))
    if min(sizes) < 0:
        raise ValueError("a block is shorter than its packets")
    packets = []
    for size in sizes:
        packets.append(content[at : at + size])
        at += size
    return number, packets


def xiph_sizes(content: bytes, at: int, count: int) -> tuple[list[int], int]:
    """Sizes as bytes that are added up until one is not 255."""
    sizes = []
    for _ in range(count):
        size = 0
        while content[at] == 255:
            size, at = size + 255, at + 1
        sizes.append(size + content[at])
        at += 1
    return sizes, at


def ebml_sizes(content: bytes, at: int, count: int) -> tuple[list[int], int]:
    """The first size as a number, every other one as its difference from that before it."""
    sizes: list[int] = []
    for _ in range(count):
        value, after = number_at(content, at, LONGEST_SIZE)
        sizes.append(sizes[-1] + value - ((1 << 7 * (after - at) - 1) - 1) if sizes else value)
        at = after
    return sizes, at
