"""The file of a multipart form (RFC 7578), received into memory and no further than its limit."""

from collections.abc import AsyncIterator

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from asr.serve.refusal import TOO_LARGE, UNREADABLE, Refusal

FIELD = "file"
FORM = (
    f"send a form of multipart/form-data with one field `{FIELD}`: curl -F {FIELD}=@recording.wav ADDRESS/api/analyse"
)
MIB = 1 << 20
ROOM_FOR_FORM = 16_384  # bytes of boundaries, headers and other fields


class FileField:
    """Keeps the bytes of the field `file` while a parser goes through a form; other fields are passed over."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.times = 0
        self.complete = False
        self._name, self._value, self._wanted = bytearray(), bytearray(), False

    def on_part_begin(self) -> None:
        self._wanted = False

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._wanted = options.get(b"name") == FIELD.encode()
            self.times += self._wanted
        self._name.clear()
        self._value.clear()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted and self.times == 1:
            self.content += data[start:end]

    def on_end(self) -> None:
        self.complete = True


async def receive_file(headers: dict[str, str], body: AsyncIterator[bytes], most_mib: float) -> bytes:
    """The bytes of the form's one file. Raises Refusal, as soon as it is clear that they are too many or no such form.

    headers: of the request, with their names in small letters.
    """
    most = int(most_mib * MIB) + ROOM_FOR_FORM
    kind, options = parse_options_header(headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise Refusal(UNREADABLE, "the request holds no form", FORM, still_sending=True)
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 18 or int(announced) > most):
        raise too_big(most_mib)
    field = FileField()
    callbacks = {name: getattr(field, name) for name in dir(field) if name.startswith("on_")}
    received = 0
    try:
        parser = MultipartParser(options.get(b"boundary", b""), callbacks)  # type: ignore[arg-type]
        async for piece in body:
            received += len(piece)
            if received > most:
                raise too_big(most_mib)
            parser.write(piece)
    except FormParserError as error:
        raise Refusal(400, "the form is damaged", FORM) from error
    if len(field.content) > most_mib * MIB:
        raise too_big(most_mib, still_sending=False)
    if field.times != 1:
        raise Refusal(400, f"the form has {field.times or 'no'} field{'s' * (field.times > 1)} `{FIELD}`", FORM)
    if not field.complete:
        raise Refusal(400, "the form ends before its last boundary", "send the file again; it was cut off on its way")
    return bytes(field.content)


def too_big(most_mib: float, still_sending: bool = True) -> Refusal:
    remedy = "send it as FLAC, MP3 or Opus, or cut it into shorter recordings"
    return Refusal(
        TOO_LARGE, f"the file is too big; at most {most_mib:g} MiB is allowed", remedy, {"Connection": "close"}
    )
