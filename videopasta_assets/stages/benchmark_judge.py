"""What a benchmark's reader cannot decide by rule: the role `judge` reads captions and open answers.

TempCompass scores a caption by whether a reader who has nothing else finds the right option; TimeWarp lets a model
judge MSRVTT-QA's short answers. Without `judge: true` open answers are matched by their words.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from videopasta_assets.config.evaluation import BenchmarkSettings
from videopasta_assets.engines import Request
from videopasta_assets.evaluation import BenchmarkItem, parse_choice
from videopasta_assets.evaluation.reply import parse_yes_no
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Row
from videopasta_assets.prompts import Prompt
from videopasta_assets.stages.benchmark_items import forms_of
from videopasta_assets.stages.project import Engines, Project, decoding
from videopasta_assets.stages.reply_cost import cost_of

_AT_ONCE: Final = 32
_NONE: Final = "none"
_SUMMED: Final = ("prompt_tokens", "cached_tokens", "completion_tokens", "seconds")


def spec(project: Project, settings: BenchmarkSettings) -> dict[str, str]:
    """The judge's parts of the specification; none where it is not asked."""
    templates = [template for form in forms_of(settings) if (template := _template(settings, form))]
    if not templates:
        return {}
    return {
        "judge": project.model_id("judge"),
        "judge's decoding": stable_hash(project.role("judge").decoding),
        **{f"prompt {template}": project.prompts("judge").hash(template) for template in templates},
    }


def _template(settings: BenchmarkSettings, form: str) -> str | None:
    if settings.scoring == "likelihood":
        return None
    if form == "captioned":
        return "judge_caption"
    return "judge_answer" if form == "open" and settings.judge else None


def judged(
    project: Project, settings: BenchmarkSettings, engines: Engines, rows: Iterable[tuple[BenchmarkItem, Row]]
) -> Iterator[Row]:
    """Rows as they come, those that need a judge with its judgement; a judge that fails makes an error row."""
    coming = iter(rows)
    while some := list(islice(coming, _AT_ONCE)):
        asked: dict[str, tuple[BenchmarkItem, Row]] = {}
        for item, row in some:
            if row.get("error") is None and _template(settings, item.form) is not None:
                asked[row["row_key"]] = item, row
            else:
                yield row
        if asked:
            how = decoding(project.role("judge").decoding)
            requests = [Request(key, _prompt(project, item, row), None, how) for key, (item, row) in asked.items()]
            for reply in engines.engine("judge").generate(requests):
                item, row = asked[reply.request_id]
                own = cost_of(reply)
                cost = {name: _sum(row[name], own[name]) for name in _SUMMED}
                if reply.error is not None:
                    yield {**row, **cost, "error": f"the judge failed: {reply.error}"}
                else:
                    yield {**row, **cost, "judgement": reply.text, **_decided(item, reply.text)}


def _sum(known: float | None, more: float | None) -> float | None:
    return None if known is None or more is None else known + more


def _prompt(project: Project, item: BenchmarkItem, row: Row) -> Prompt:
    prompts = project.prompts("judge")
    if item.form == "captioned":
        return prompts.render("judge_caption", caption=row["reply"], question=item.question, options=list(item.options))
    return prompts.render("judge_answer", question=item.question, reference=item.reference, answer=row["reply"])


def _decided(item: BenchmarkItem, judgement: str) -> Row:
    if item.form == "captioned":
        place = parse_choice(judgement, item.options)
        parsed = place is not None or judgement.strip().strip(".").casefold() == _NONE
        return {"predicted_index": place, "parsed": parsed, "correct": place == item.answer_index}
    said = parse_yes_no(judgement)
    return {"parsed": said is not None, "correct": said == 0}
