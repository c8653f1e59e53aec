"""Reads a search request from its body: JSON, or a form with a photo, in memory and nowhere else.

Starlette's form parser moves larger files to the disk; a photo that somebody asks with must leave
no trace, so here the bound for that lies above the largest upload. What kind a photo is and how
large is settled from its header; nothing else is decoded here.
"""

from collections.abc import AsyncGenerator
from email.message import Message
from json import dumps

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from mmpipeline.config.serve import ServeConfig
from mmpipeline.features.photo import RejectedPhotoError, check_photo_header
from mmpipeline.serving.api.requests import SearchRequest, read_request
from mmpipeline.serving.http.errors import RefusedError
from mmpipeline.serving.http.guard import FORM_BYTES

UPLOAD_FORMATS = ("JPEG", "PNG", "WEBP")
"""Kinds of photos taken from outside; fewer than the pipeline reads."""

_UNSUPPORTED = {"not_a_photo", "heic", "avif"}
_FIELDS = ("query", "title", "ingredients", "instructions", "like", "k")


class _MemoryParser(MultiPartParser):
    spool_max_size = 2**40  # bytes; the body is bounded long before, so nothing goes to the disk
    is_whole = False

    def on_end(self) -> None:
        """Note that the last boundary came: without it a photo may lack its end."""
        self.is_whole = True


async def read_query(request: Request, config: ServeConfig) -> tuple[SearchRequest, bytes | None]:
    """Read what somebody asks.

    Parameters
    ----------
    request
        With a body of `application/json` or `multipart/form-data`.
    config
        Limits.

    Returns
    -------
    query : SearchRequest
        The query.
    photo : bytes or None
        A JPEG, PNG or WebP whose header is in order.

    Raises
    ------
    RefusedError
        400 for a broken form, 413 and 415 for what is no photo we take, 422 for anything else.
    """
    kind = Message()
    kind["content-type"] = request.headers.get("content-type", "")
    if kind.get_content_type() == "application/json":
        return read_request(await request.body(), config), None
    if kind.get_content_type() == "multipart/form-data":
        return await _read_form(request, config)
    raise RefusedError(
        415, "wrong_type", "expected application/json, or multipart/form-data with a photo"
    )


async def _read_form(request: Request, config: ServeConfig) -> tuple[SearchRequest, bytes | None]:
    parser = _MemoryParser(
        request.headers,
        _stream(request),
        max_files=1,
        max_fields=400,
        max_part_size=FORM_BYTES,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise RefusedError(
            400, "broken_form", f"the form cannot be read: {error.message}"
        ) from error
    if not parser.is_whole:
        raise RefusedError(400, "broken_form", "the form ends in the middle; send it again")
    photo = None
    fields: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            photo = await _read_photo(name, value, config)
        else:
            fields.setdefault(name, []).append(value)
    return read_request(_form_to_json(fields), config), photo


async def _stream(request: Request) -> AsyncGenerator[bytes, None]:
    async for chunk in request.stream():
        yield chunk


async def _read_photo(name: str, file: UploadFile, config: ServeConfig) -> bytes | None:
    content = await file.read()
    await file.close()
    if not content and not file.filename:
        return None  # a form's field for a file that was left empty
    if name != "photo":
        raise RefusedError(422, "invalid", f"the file {name[:40]!r}: expected one named 'photo'")
    check_upload(content, config)
    return content


def check_upload(content: bytes, config: ServeConfig) -> None:
    """Refuse what is no photo to ask with; only its header is read.

    Parameters
    ----------
    content
        The file.
    config
        Limits.

    Raises
    ------
    RefusedError
        413 when it has too many bytes, 415 when it is of no kind we take, 422 when it has too many
        pixels.
    """
    if len(content) > config.max_upload_bytes:
        raise RefusedError(
            413,
            "too_large",
            f"the photo has more than {config.max_upload_bytes:,} bytes; give a smaller one",
        )
    try:
        check_photo_header(content, config.max_pixels, UPLOAD_FORMATS)
    except RejectedPhotoError as error:
        refusal = refuse_photo(error)
        raise refusal from error


def refuse_photo(error: RejectedPhotoError) -> RefusedError:
    """Return the HTTP refusal for a photo that cannot be used.

    Parameters
    ----------
    error
        Why.

    Returns
    -------
    RefusedError
        415 when it is of no kind we take, else 422.
    """
    return RefusedError(415 if error.reason in _UNSUPPORTED else 422, error.reason, str(error))


def _form_to_json(fields: dict[str, list[str]]) -> str:
    """Read a form's fields: the whole query as JSON in one, or its simple parts one by one.

    Raises
    ------
    RefusedError
        If a field has no meaning or stands beside the whole query.
    """
    unknown = sorted(set(fields) - set(_FIELDS))
    if unknown:
        raise RefusedError(
            422, "invalid", f"the field {unknown[0][:40]!r}: expected {', '.join(_FIELDS)} or photo"
        )
    if "query" in fields:
        if len(fields) > 1 or len(fields["query"]) > 1:
            raise RefusedError(422, "invalid", "the field 'query' holds the whole query, once")
        return fields["query"][0] or "{}"
    query: dict[str, str | int | list[str]] = {
        name: values
        for name, values in fields.items()
        if name in {"ingredients", "instructions", "like"}
    }
    for name in ("title", "k"):
        if name in fields:
            query[name] = fields[name][-1]
    return dumps(query)
