"""TensorFlow Serving's REST API, on FastAPI.

Paths are matched by TensorFlow Serving's own patterns, and a path that matches none gets its answer: 400 and "Malformed
request". Two paths are additions: `GET /v1/models` lists the models with their versions, labels and `metadata.json`,
and `GET /metrics` is the short name of `/monitoring/prometheus/metrics`.
"""

import asyncio
import contextlib
import functools
import json
import re
import time
from urllib.parse import unquote

import anyio
from fastapi import FastAPI, Request, Response
from google.protobuf import json_format
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from kerazoo.serving import page, status
from kerazoo.serving.bodies import LARGE, SMALL, Body, GzipBody, Room, UnreadError
from kerazoo.serving.errors import Code, RequestError, from_exception, invalid
from kerazoo.serving.hosts import HostCheck
from kerazoo.serving.json_answer import encode_predict
from kerazoo.serving.limits import Limits
from kerazoo.serving.versions import version_number

_NAME = r"(?:/versions/(\d+)|/labels/([^/:]+))?"
_POST = re.compile(rf"(?i:/v1/models/([^/:]+){_NAME}:)(predict)", re.ASCII)
_GET = re.compile(rf"(?i:/v1/models(?:/([^/:]+))?{_NAME})(?:/(metadata))?", re.ASCII)
_READ = ["GET", "HEAD"]
_METHODS = [*_READ, "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
_MANY = 1 << 12  # values that are written on the event loop, in a few milliseconds
_SHOWN = 200  # characters of a path in an error message
_LATE = "Deadline Exceeded"
_BODIES = 8  # bodies of the largest size at the same time
BODY_SECONDS = 10.0  # between two parts of a body


def make_app(repository, metrics, limits=None, allowed_hosts=()):
    """The ASGI application.

    Args:
        repository: Repository.
        metrics: Metrics.
        limits: Limits or None. Limits of a request. Defaults to None: those of `Limits`.
        allowed_hosts: iterable of str. As in `HostCheck`. Defaults to none.

    Returns:
        fastapi.FastAPI.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(HostCheck, allowed=allowed_hosts)
    server = _Api(repository, metrics, limits or Limits())

    @app.api_route("/metrics", methods=_READ)
    @app.api_route("/monitoring/prometheus/metrics", methods=_READ)
    def prometheus():
        return Response(metrics.page(), headers={"Content-Type": metrics.content_type})

    app.include_router(page.make_router())

    @app.api_route("/{path:path}", methods=_METHODS)
    async def api(request: Request):
        path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0]
        if not path.lower().startswith("/v1/"):
            return _json({"error": f"Not Found: {request.method} {path}"}, Code.NOT_FOUND.http_status)
        return await server.answer(request, path)

    return app


class _Api:
    def __init__(self, repository, metrics, limits):
        self.repository, self.metrics, self.limits = repository, metrics, limits
        # Few at a time, which wait here and not on a thread, since others need the threads. Numbers as Python objects
        # take much memory, and the end of a child takes seconds.
        self.places = {False: asyncio.Semaphore(2), True: asyncio.Semaphore(1)}  # of small and of large bodies
        self.room = Room(_BODIES * limits.body_bytes)
        self.handlers = {"status": self.status, "metadata": self.metadata, "predict": self.predict}

    async def answer(self, request, path):
        since = time.monotonic()
        name = method = "(none)"
        code = Code.OK
        try:
            pattern = {"POST": _POST, "GET": _GET}.get(request.method)
            match = pattern and pattern.fullmatch(path)
            if not match:
                raise invalid(f"Malformed request: {request.method} {_short(path)}")
            name, version, label, verb = match.groups()
            name, label = unquote(name or ""), label and unquote(label)
            version = _number(version)
            method = verb or "status"
            response = await self.handlers[method](request, name, version, label)
        except ClientDisconnect:  # nobody is left to read an answer
            code, response = Code.CANCELLED, Response(status_code=Code.CANCELLED.http_status)
        except Exception as error:
            headers = {"Connection": "close"} if isinstance(error, UnreadError) else None
            error = from_exception(error)
            code, response = error.code, _json({"error": str(error)}, error.code.http_status, headers)
        self.metrics.count(name, method, "REST", code, since)
        return response

    async def status(self, request, name, version, label):
        if not name:
            return _json(status.list_models(self.repository))
        return _json(_plain(status.model_status(self.repository, name, version, label)))

    async def metadata(self, request, name, version, label):
        if not name:
            raise invalid("Missing model name in request.")
        with self.repository.use(name, version, label) as served:
            message = status.model_metadata(served)
            signatures = status.signature_map(served)
            content = {"model_spec": _plain(message.model_spec), "metadata": {"signature_def": _plain(signatures)}}
        return _json(content)

    async def predict(self, request, name, version, label):
        deadline = time.monotonic() + self.limits.seconds
        with await _receive(request, self.limits, self.room) as body:
            work = self._predict(body, (name, version, label), deadline)
            return await _while_waited_for(request, work, deadline)

    async def _predict(self, body, asked, deadline):
        with contextlib.ExitStack() as stack:
            served = signatures = None
            try:
                served = stack.enter_context(self.repository.use(*asked))
                signatures = served.servable.signatures
            except RequestError as error:
                signatures = error  # like TensorFlow Serving: the body is read before the model is looked up
            decode = functools.partial(body.decode, signatures, self.limits.rows)
            signature, form, arrays = await self._work(decode, body.size <= SMALL, large=body.size > LARGE)
            body.close()
            future = served.servable.submit(served.servable.signatures[signature], arrays, deadline)
            del arrays
            outputs = await asyncio.wrap_future(future)
            few = sum(array.size for array in outputs.values()) <= _MANY
            content = await self._work(functools.partial(encode_predict, form, outputs), few)
        return Response(content, media_type="application/json")

    async def _work(self, function, quick, *, large=False):
        """Call a function: a quick one at once, others on a thread, when one is free."""
        if quick:
            return function()
        async with self.places[large]:
            return await run_in_threadpool(function)


def _short(text):
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _number(text):
    number = text and version_number(text)
    if text and number is None:
        raise invalid(f"Failed to convert version: {_short(text)} to numeric.")
    return number


async def _receive(request, limits, room):
    packed = "gzip" in request.headers.get("content-encoding", "")
    body = (GzipBody if packed else Body)(limits.body_bytes, room)
    try:
        end = anyio.current_time() + limits.seconds
        with anyio.move_on_after(min(BODY_SECONDS, limits.seconds)) as patience:
            async for chunk in request.stream():
                if packed:  # a small chunk may become a large one
                    await run_in_threadpool(body.write, chunk)
                else:
                    body.write(chunk)
                patience.deadline = min(anyio.current_time() + BODY_SECONDS, end)
            body.end()
        if patience.cancelled_caught:
            raise UnreadError(Code.DEADLINE_EXCEEDED, f"{_LATE}: the body did not come in time")
    except BaseException:
        body.close()
        raise
    return body


async def _while_waited_for(request, work, deadline):
    """The result of a coroutine, which is cancelled when its client hangs up or its time is over."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_hang_up(request))
    task.add_done_callback(lambda task: task.cancelled() or task.exception())  # reads the error, else asyncio logs it
    try:
        seconds = max(0.0, deadline - time.monotonic())
        await asyncio.wait({task, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if gone.done():
            raise ClientDisconnect
        raise RequestError(Code.DEADLINE_EXCEEDED, _LATE)
    finally:
        gone.cancel()
        task.cancel()  # and with it the future in the queue


async def _hang_up(request):
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _plain(message):
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _json(content, status_code=200, headers=None):
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return Response(text.encode("utf-8", "replace"), status_code, headers, media_type="application/json")
