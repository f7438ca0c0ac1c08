"""WebM as browsers record it sounds as the Opus in it does; damage is named."""

import numpy as np
import pytest

from asr.audio.recording import AudioProblem
from asr.serve.ogg import DamagedPacket, ogg_of, samples_of
from asr.serve.recording import decode
from asr.serve.webm import ogg_of_webm
from tests.serve.sounds import chirp, element, encoded, opus_packets, webm

SAMPLES = chirp(1.3, rate=48_000)
OPUS = encoded(SAMPLES, 48_000, format="OGG", subtype="OPUS")


@pytest.mark.parametrize("lacing", ["none", "xiph", "ebml"])
@pytest.mark.parametrize("open_ended", [True, False])
def test_the_packets_of_webm_sound_as_those_of_ogg(lacing, open_ended):
    found = decode(webm(SAMPLES, lacing=lacing, open_ended=open_ended), 10)
    expected = decode(OPUS, 10)
    length = len(expected.samples)
    assert (found.format, found.sample_rate, found.channels) == ("WEBM", 48_000, 1)
    np.testing.assert_array_equal(found.samples[:length], expected.samples)
    assert abs(found.seconds - 1.3) < 0.04  # WebM counts whole packets


def test_packets_of_every_size_survive_the_pages():
    head, _, *packets = opus_packets(OPUS)
    packets += [bytes([0xFC]) + bytes(size) for size in (0, 253, 254, 255, 509, 1275, 20_000, 60_000, 5)]
    assert opus_packets(ogg_of(head, packets))[2:] == packets
    with pytest.raises(DamagedPacket, match="70001 bytes"):
        ogg_of(head, [bytes([0xFC]) + bytes(70_000)])


@pytest.mark.parametrize(
    ("packet", "samples"),
    [(b"\x00", 480), (b"\x18", 2880), (b"\x61", 960), (b"\xfc", 960), (b"\xff\x03", 2880), (b"\x82\0", 240)],
)
def test_how_long_a_packet_is(packet, samples):
    assert samples_of(packet) == samples


@pytest.mark.parametrize("packet", [b"", b"\xff", b"\xff\x00", b"\xff\x3f"])
def test_a_packet_that_is_none(packet):
    with pytest.raises(DamagedPacket):
        samples_of(packet)


def test_a_file_that_is_cut_off_is_truncated():
    whole = webm(SAMPLES)
    with pytest.raises(AudioProblem, match="audio_truncated"):
        decode(whole[: len(whole) * 2 // 3], 10)


def test_another_codec_is_named():
    track = element("ae", element("d7", b"\x01") + element("86", b"A_VORBIS"))
    content = element("1a45dfa3", b"") + element("18538067", element("1654ae6b", track))
    with pytest.raises(AudioProblem, match="it holds A_VORBIS, and no track of Opus"):
        ogg_of_webm(content)


def test_damage_anywhere_is_named_and_never_a_crash():
    whole = bytearray(webm(SAMPLES, lacing="ebml"))
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for at in random.integers(0, 600, 4):
            damaged[at] = random.integers(256)
        try:
            assert ogg_of_webm(bytes(damaged[: random.integers(1, len(damaged))])).startswith(b"OggS")
        except AudioProblem:
            continue
