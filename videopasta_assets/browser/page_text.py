"""The page as one HTML text: markup, style, script and data in one, under a policy that lets nothing else run."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader

_FOLDER: Final = Path(__file__).parent / "page"
_SCRIPTS: Final = ("data.js", "list.js", "diff.js", "pair.js", "judge.js", "start.js")


def render_page(data: dict[str, Any], *, live: dict[str, Any] | None = None) -> str:
    """The page.

    Args:
        data: a catalog's JSON; its videos may have film strips.
        live: of the local server: `token`, `author`, `most_comment_characters`. Without it the page only shows.
    """
    title = f"{data['project']}: pairs"
    page: str = _template().render(
        title=title,
        policy=policy(live=live is not None),
        style=_text("page.css"),
        script=script(),
        data=json_for_html({**data, "live": live}),
    )
    return page


def policy(*, live: bool) -> str:
    """The page's Content-Security-Policy: our one script, our style, pictures; only the server may be spoken to."""
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
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


def script() -> str:
    """The page's script; part of its policy by its hash."""
    return "\n".join(_text(name) for name in _SCRIPTS)


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    return Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True).get_template("page.html")
