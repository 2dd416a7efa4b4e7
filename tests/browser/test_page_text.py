"""The page is one text that loads nothing, and whose data cannot become markup."""

import base64
import hashlib
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from tests.browser.conftest import HOSTILE
from videopasta_assets.browser.page_text import json_for_html, policy, render_page, script

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_data_survives_and_cannot_end_its_element(data: dict[str, str]) -> None:
    text = json_for_html(data)
    assert "<" not in text
    assert json.loads(text) == data


def page(**texts: str) -> str:
    return render_page({"project": "p", "attempts": [], "queries": [], "videos": [], **texts})


def test_a_hostile_project_name_is_text() -> None:
    text = page(project=HOSTILE, recipe=HOSTILE)
    assert "window.hacked=1</script>" not in text
    assert "<img" not in text
    assert text.count("<script") == text.count("</script") == 2


def test_nothing_is_loaded_from_anywhere() -> None:
    text = page()
    assert not re.findall(r"(?:src|href|action)\s*=\s*[\"']?(?!data:,)[^\"'>\s{}]*//", text)
    assert "@import" not in text
    assert "url(" not in text


def test_only_our_script_may_run() -> None:
    text = page()
    inline = re.search(r"<script>(.*)</script>", text, re.DOTALL)
    assert inline is not None
    digest = base64.b64encode(hashlib.sha256(inline[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy(live=False)
    for live in (True, False):
        assert "unsafe" not in policy(live=live)
        assert "default-src 'none'" in policy(live=live)


def test_the_script_never_parses_html() -> None:
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script())
