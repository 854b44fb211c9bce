"""The web page at `/`: try each served model. It is static, and asks the server's own REST API."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

FILES = {
    "/": "index.html",
    "/page.js": "page.js",
    "/inputs.js": "inputs.js",
    "/outputs.js": "outputs.js",
    "/result.js": "result.js",
    "/page.css": "page.css",
}
HEADERS = {
    # The page loads nothing from elsewhere, and no other page may frame it.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
}


def make_router():
    """The page's files as a FastAPI router."""
    router, folder = APIRouter(), Path(__file__).parent / "static"

    def answer(name):
        return lambda: FileResponse(folder / name, headers=HEADERS)

    for path, name in FILES.items():
        router.add_api_route(path, answer(name), methods=["GET", "HEAD"], include_in_schema=False)
    return router
