"""The live form: the page from a server on this machine alone, where a person may judge.

Another web site that the person has open must not judge in their name. So a request needs our host name (DNS
rebinding), a verdict needs our origin and the token that only our page holds, and no answer may be framed or read
from elsewhere.
"""

import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from videopasta_assets.browser.answers import AnswerSelection, load_answers
from videopasta_assets.browser.catalog import DEFAULT, Selection, load_catalog, opinion_json
from videopasta_assets.browser.page_text import ANSWERS, PAIRS, policy, render_page
from videopasta_assets.browser.strips import ROLES, Role, draw_strip
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.lake import Row
from videopasta_assets.stages.human_verdicts import MOST_COMMENT_CHARACTERS, Decision, Opinion, record
from videopasta_assets.stages.project import Project
from videopasta_assets.video.guard import UnreadableVideo

HOST: Final = "127.0.0.1"
_NAMES: Final = (HOST, "localhost")
_MOST_BODY_BYTES: Final = 64 * 1024
_KEPT_STRIPS: Final = 512
_FIELDS: Final = ("shard", "adversary_id", "decision", "comment", "aligned_version", "adversary_version")
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, kw_only=True)
class Shown(ABC):
    """What a running server shows.

    Attributes:
        project: whose lake it is.
        port: where it listens; part of the host names that it answers to.
        rows: `sampled_videos` rows of the videos on the page that was last asked for, by the name that they have there.
    """

    project: Project
    port: int
    rows: dict[str, Row] = field(default_factory=dict, repr=False)

    @property
    def hosts(self) -> frozenset[str]:
        """Values of the Host header that are answered."""
        return frozenset(f"{name}:{self.port}" for name in _NAMES)

    @abstractmethod
    def page(self) -> str:
        """The page, from the lake as it is now."""

    def with_strips(self, data: dict[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
        """The page's data with the addresses of its film strips, which this server draws."""
        for row, video in zip(rows, data["videos"], strict=True):
            self.rows[video["id"]] = row
            for role in (role for role in ROLES if role in video):
                video[role]["src"] = f"strips/{video['id']}/{role}?{video[role]['plan']}"
        return data


@dataclass(frozen=True, kw_only=True)
class AnswerBrowser(Shown):
    """Benchmark items with both models' answers; `selection` says whose."""

    selection: AnswerSelection

    def page(self) -> str:
        """The page, from the lake as it is now."""
        catalog = load_answers(self.project, self.selection)
        return render_page(self.with_strips(catalog.to_json(self.project), catalog.rows), live={}, kind=ANSWERS)


@dataclass(frozen=True, kw_only=True)
class Browser(Shown):
    """Pairs, which a person may judge.

    Attributes:
        author: who judges.
        selection: which slots are shown.
        token: what a verdict has to carry.
    """

    author: str
    selection: Selection = DEFAULT
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def page(self) -> str:
        """The page, from the lake as it is now."""
        catalog = load_catalog(self.project, self.selection)
        data = self.with_strips(catalog.to_json(self.project, self.selection), catalog.rows)
        live = {"token": self.token, "author": self.author, "most_comment_characters": MOST_COMMENT_CHARACTERS}
        return render_page(data, live=live)

    def judge(self, body: dict[str, Any]) -> Row:
        """Record the verdict that a request's body holds; the opinion as the page shows it.

        Raises:
            UserError: a field is missing or wrong, or the verdict is refused.
        """
        wrong = [name for name in _FIELDS if not isinstance(body.get(name), str)]
        if wrong:
            raise UserError(f"field {wrong[0]!r} is missing, or is no text", where="verdict")
        if body["decision"] not in set(Decision):
            raise UserError(f"no decision {body['decision']!r}", where="verdict", fix=f"Use {', '.join(Decision)}.")
        opinion = Opinion(
            body["adversary_id"],
            Decision(body["decision"]),
            self.author,
            body["comment"],
            (body["aligned_version"], body["adversary_version"]),
        )
        return opinion_json(record(self.project, body["shard"], opinion))


def application(browser: Shown) -> Starlette:
    """The server's application."""
    kind = PAIRS if isinstance(browser, Browser) else ANSWERS

    @lru_cache(maxsize=_KEPT_STRIPS)
    def picture(video_id: str, role: Role, plan: str) -> bytes:
        row = browser.rows.get(video_id)
        if row is None or row[f"{role}_plan"] != plan:
            raise UnreadableVideo("this video is not on the page, or is sampled otherwise now: load the page again")
        return draw_strip(browser.project, row, role)

    async def page(request: Request) -> Response:  # noqa: ARG001 - the signature of an endpoint
        text = await run_in_threadpool(browser.page)
        headers = {"Content-Security-Policy": policy(live=True, kind=kind), "Cache-Control": "no-store"}
        return HTMLResponse(text, headers=headers)

    async def strip(request: Request) -> Response:
        role = request.path_params["role"]
        if role not in ROLES:
            return PlainTextResponse("no such role", 404)
        try:
            jpeg = await run_in_threadpool(picture, request.path_params["video_id"], role, request.url.query)
        except VideoPastaError as error:
            return PlainTextResponse(str(error), 404)
        return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400, immutable"})

    async def verdict(request: Request) -> Response:
        if not isinstance(browser, Browser):
            return JSONResponse({"error": "nothing is judged here"}, 404)
        if not secrets.compare_digest(request.headers.get("x-videopasta-token", "").encode(), browser.token.encode()):
            return JSONResponse({"error": "the page is of an earlier server: load it again"}, 403)
        try:
            body = await _json_body(request)
            return JSONResponse(await run_in_threadpool(browser.judge, body), 201)
        except UserError as error:
            return JSONResponse({"error": str(error)}, 422)
        except VideoPastaError as error:
            return JSONResponse({"error": str(error)}, 500)

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/strips/{video_id}/{role}", strip),
            Route("/verdicts", verdict, methods=["POST"]),
        ]
    )

    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        origin = request.headers.get("origin")
        if request.headers.get("host") not in browser.hosts:
            response: Response = PlainTextResponse(f"open http://{HOST}:{browser.port}", 421)
        elif origin is not None and origin not in {f"http://{host}" for host in browser.hosts}:
            response = PlainTextResponse("not from another site", 403)
        else:
            response = await answer(request)
        response.headers.update(_HEADERS)
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=guard)
    return app


async def _json_body(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise UserError("the body has to be JSON", where="verdict")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BODY_BYTES:
            raise UserError(f"the body has more than {_MOST_BODY_BYTES} bytes", where="verdict")
    try:
        found = json.loads(body)
        found_text = json.dumps(found, ensure_ascii=False).encode()  # lone surrogates are no text
    except (ValueError, RecursionError) as error:
        raise UserError("the body is no JSON", where="verdict") from error
    if not isinstance(found, dict) or not found_text:
        raise UserError("the body is no JSON object", where="verdict")
    return found


def serve(browser: Shown) -> None:
    """Answer until the process is interrupted."""
    import uvicorn

    uvicorn.run(application(browser), host=HOST, port=browser.port, log_level="warning", server_header=False)
