"""The page as one HTML text: markup, style, script and data in one, under a policy that lets nothing else run."""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader

_FOLDER: Final = Path(__file__).parent / "page"


@dataclass(frozen=True)
class PageKind:
    """A page: one list with filters, one entry beside it.

    Attributes:
        title: what follows the project's name.
        entries: what the list holds.
        entry: what stands beside it.
        filters: selections, each a property of an entry.
        live_keys: keys that only the local server takes, with what they do.
        scripts: in order; one of them says in `KIND` what an entry is.
    """

    title: str
    entries: str
    entry: str
    filters: tuple[str, ...]
    live_keys: tuple[tuple[str, str], ...]
    scripts: tuple[str, ...]


PAIRS: Final = PageKind(
    "pairs",
    "Attempts",
    "Pair",
    ("verdict", "mode", "category", "strategy", "person", "oracle"),
    (("a", "accept"), ("r", "reject"), ("c", "comment"), ("w", "withdraw")),
    ("page.js", "attempts.js", "list.js", "diff.js", "strip.js", "pair.js", "judge.js", "start.js"),
)
ANSWERS: Final = PageKind(
    "answers before and after",
    "Benchmark items",
    "Item",
    ("change", "benchmark", "mode", "category", "kind", "replies"),
    (),
    ("page.js", "answers.js", "list.js", "diff.js", "strip.js", "start.js"),
)


def render_page(data: dict[str, Any], *, live: dict[str, Any] | None = None, kind: PageKind = PAIRS) -> str:
    """The page.

    Args:
        data: a catalog's JSON; its videos may have film strips.
        live: of the local server: `token`, `author`, `most_comment_characters`. Without it the page only shows.
        kind: what it shows.
    """
    page: str = _template().render(
        title=f"{data['project']}: {kind.title}",
        policy=policy(live=live is not None, kind=kind),
        style=_text("page.css"),
        script=script(kind),
        filters=kind.filters,
        entries=kind.entries,
        entry=kind.entry,
        live_keys=kind.live_keys,
        data=json_for_html({**data, "live": live}),
    )
    return page


def policy(*, live: bool, kind: PageKind = PAIRS) -> str:
    """The page's Content-Security-Policy: our one script, our style, pictures; only the server may be spoken to."""
    digest = base64.b64encode(hashlib.sha256(script(kind).encode()).digest()).decode()
    style = base64.b64encode(hashlib.sha256(_text("page.css").encode()).digest()).decode()
    pictures, server = ("'self' data:", "'self'") if live else ("data: file:", "'none'")
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{digest}'",
            f"style-src 'sha256-{style}'",
            f"img-src {pictures}",
            f"connect-src {server}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def json_for_html(data: Any) -> str:
    """JSON that cannot end the script element that it stands in, whatever its texts are."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def script(kind: PageKind = PAIRS) -> str:
    """The page's script; part of its policy by its hash."""
    return "\n".join(_text(name) for name in kind.scripts)


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    return Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True).get_template("page.html")
