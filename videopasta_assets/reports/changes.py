"""What training changed on the benchmarks, item by item: counts, and examples with the frames that both models saw."""

from collections import Counter
from itertools import chain, zip_longest

from videopasta_assets.errors import VideoPastaError
from videopasta_assets.lake import Row
from videopasta_assets.reports.document import Card, Line, Section, Table
from videopasta_assets.stages.answer_changes import AnsweredItem, AskedItems, Change, answered_items
from videopasta_assets.stages.project import Project
from videopasta_assets.video.clip import load_frames
from videopasta_assets.video.film_strip import film_strip

MOST_EXAMPLES = 12
_PICTURE_PIXELS = 256


def changes(project: Project, experiment: str) -> Section | None:
    """The section of a checkpoint's report; None where no answers of both models are kept."""
    items = answered_items(project, experiment, [one.name for one in project.settings.evaluation.benchmarks])
    if not items:
        return None
    counts = Counter((item.benchmark, item.change) for item in items)
    names = dict.fromkeys(item.benchmark for item in items)
    rows = [(name, *(counts[name, change] for change in Change)) for name in names]
    columns = ("benchmark", *(str(change).replace("_", " ") for change in Change))
    sides = ([item for item in items if item.change is change] for change in (Change.BROKEN, Change.FIXED))
    changed = [item for item in chain.from_iterable(zip_longest(*sides)) if item is not None]
    asked = AskedItems(project)
    shown = changed[:MOST_EXAMPLES]
    note = f"{len(changed):,} items changed; {len(shown):,} of them are below, " if changed else "No item changed; "
    note += f"and all are in `videopasta browse --experiment {experiment}`."
    return Section(
        "What changed", (note,), None, (Table(columns, rows),), tuple(_card(project, asked, item) for item in shown)
    )


def _card(project: Project, asked: AskedItems, item: AnsweredItem) -> Card:
    row, parts = item.row, [str(item.change), item.benchmark, item.row["mode"], item.row["category"]]
    options: list[str] = row["options"] or []
    right = row["reference"] or _option(options, row["answer_index"])
    title = row["question"]
    try:
        title = title or asked.item(item).question
        right = right or _option(list(asked.item(item).options), row["answer_index"])
        clip, _ = asked.clip(item)
        frames = load_frames(clip, project.reader, max_side=_PICTURE_PIXELS)
        picture, meaning = film_strip(frames, clip.plan.timestamps), "frames that both models see"
    except VideoPastaError as error:
        picture, meaning = None, str(error)
    lines = [
        Line("item", " · ".join(str(part).replace("_", " ") for part in parts if part)),
        Line("options", " / ".join(options)),
        Line("right answer", right),
        *(_answer(name, answer) for name, answer in (("base", item.base), ("tuned", item.tuned)) if answer),
    ]
    return Card(title or item.item_id, tuple(line for line in lines if line.text), picture, meaning)


def _answer(name: str, answer: Row) -> Line:
    unread = "" if answer["correct"] or answer["parsed"] is not False else " (could not be read)"
    return Line(name, f"{answer['reply']}{unread}", bool(answer["correct"]))


def _option(options: list[str], place: int | None) -> str:
    return options[place] if place is not None and 0 <= place < len(options) else ""
