"""Headless Chromium for tests and benchmarks."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def chromium_page(*, scheme: str = "light", width: int = 1400, height: int = 1000) -> Iterator[Any]:
    """A page that collects complaints of the console, and of scripts, in its `complaints`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--headless=new", "--disable-gpu", "--disable-background-networking"],
        )
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        yield page
        browser.close()


def open_page(page: Any, address: str) -> None:
    """Go there, and wait until the page's script is done."""
    page.goto(address)
    page.wait_for_selector("body[data-ready]")


def until(page: Any, expression: str, seconds: float = 60) -> None:
    """Wait until the page's state makes `expression` true; asked from outside, because the page's policy forbids eval.

    Raises:
        TimeoutError: it does not.
    """
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > deadline:
            raise TimeoutError(expression)
        page.wait_for_timeout(30)


def keep_picture(page: Any, name: str) -> None:
    """A screenshot for a person to look at, where VIDEOPASTA_SCREENSHOTS names a folder."""
    folder = os.environ.get("VIDEOPASTA_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))
