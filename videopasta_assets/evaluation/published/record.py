"""Published files, read field by field: what is wrong is said with its file, its place and its field."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final

from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.item import check_video

_INLINE: Final = re.compile(r"^\s*\(?(?P<label>(?:(?:Sentence|Option|Caption)\s+)?[A-Ha-h1-8])[).:]\s*(?P<text>\S.*)$")


@dataclass(frozen=True)
class Record:
    """One published item and where it stands."""

    data: Mapping[str, Any]
    where: str

    def wrong(self, field: str, reason: str) -> UserError:
        """The sentence about a field that is not as published."""
        return UserError(
            f"field {field!r} {reason}", where=self.where, fix="Is this the file as the benchmark distributes it?"
        )

    def value(self, *names: str) -> Any:
        """The first of the fields `names` that there is.

        Raises:
            UserError: none is there; the first is named.
        """
        for name in names:
            if self.data.get(name) is not None:
                return self.data[name]
        raise self.wrong(names[0], "is missing")

    def text(self, *names: str) -> str:
        """A text that is not empty; a number counts as one."""
        value = self.value(*names)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(names[0], "must be a text")
        return value.strip()

    def raw(self, *names: str) -> str:
        """A text as published, which may be empty."""
        value = self.value(*names)
        if not isinstance(value, str):
            raise self.wrong(names[0], "must be a text")
        return value

    def optional(self, *names: str) -> str:
        """A text, or nothing."""
        value = next((self.data[name] for name in names if self.data.get(name) is not None), "")
        return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value).strip()

    def texts(self, *names: str) -> tuple[str, ...]:
        """A list of at least two texts; numbers count as texts."""
        value = self.value(*names)
        if not isinstance(value, list) or len(value) < 2:
            raise self.wrong(names[0], "must be a list of at least two texts")
        return tuple(str(part).strip() for part in value)

    def index(self, count: int, *names: str) -> int:
        """A whole number from 0 to `count` - 1, written as a number or as a text."""
        value = self.value(*names)
        if not isinstance(value, bool) and re.fullmatch(r"\d+(?:\.0)?", str(value).strip()):
            number = int(float(value))
            if number < count:
                return number
        raise self.wrong(names[0], f"must be from 0 to {count - 1}")

    def letter(self, count: int, *names: str) -> int:
        """An option's letter, as an index."""
        value = self.text(*names).strip("().: ")
        if len(value) != 1 or value.upper() not in ascii_uppercase[:count]:
            raise self.wrong(names[0], f"must be a letter from A to {ascii_uppercase[count - 1]}")
        return ascii_uppercase.index(value.upper())

    def video(self, *names: str, form: str = "{}") -> str:
        """The video's path, inside the folder of videos."""
        return check_video(form.format(self.text(*names)), self.where, names[0])


def place_of(answer: str, options: Sequence[str]) -> int:
    """Which of `options` the published `answer` is: its text, or "B. text" and "2. text"; -1 if it is none."""
    folded = [option.strip().rstrip(".").casefold() for option in options]
    wanted = answer.strip().rstrip(".").casefold()
    if wanted in folded:
        return folded.index(wanted)
    if match := _INLINE.match(answer):
        text = match["text"].strip().rstrip(".").casefold()
        if text in folded:
            return folded.index(text)
        return _place_of_label(match["label"], len(options))
    # A bare number is an answer ("3 times"), never an option's place.
    bare = answer.strip("().: ")
    return -1 if bare.isdigit() else _place_of_label(bare, len(options))


def _place_of_label(label: str, count: int) -> int:
    last = label.rsplit(maxsplit=1)[-1].upper() if label.strip() else ""
    if len(last) != 1:
        return -1
    place = ascii_uppercase.find(last) if last in ascii_uppercase else int(last) - 1 if last.isdigit() else -1
    return place if 0 <= place < count else -1


@dataclass(frozen=True)
class Inline:
    """A published question whose options stand in its text."""

    stem: str
    options: tuple[str, ...]
    labels: tuple[str, ...]


def split_question(record: Record, *names: str) -> Inline:
    """The question's stem and its options: the lines at its end that begin with "A.", "1)", "Option 2:", ...

    Raises:
        UserError: it has fewer than two such lines.
    """
    lines = [line for line in record.text(*names).splitlines() if line.strip()]
    found: list[re.Match[str]] = []
    while lines and (match := _INLINE.match(lines[-1])):
        found.insert(0, match)
        lines.pop()
    if len(found) < 2 or not lines:
        raise record.wrong(names[0], "must be a question followed by its options, a line each")
    return Inline(
        "\n".join(lines).strip(),
        tuple(match["text"].strip() for match in found),
        tuple(match["label"] for match in found),
    )


def without_letters(options: Sequence[str]) -> tuple[str, ...]:
    """Options as published with their letters ("A. red"), without them; left alone where not all have their own."""
    matches = [_INLINE.match(option) for option in options]
    if all(match and match["label"] == ascii_uppercase[place] for place, match in enumerate(matches)):
        return tuple(match["text"].strip() for match in matches if match)
    return tuple(options)


def read_records(path: Path) -> Iterator[Record]:
    """The items of a table: a JSON list, JSON lines, CSV or Parquet.

    Raises:
        UserError: it cannot be read, or is no list of objects.
    """
    for number, data in enumerate(_rows(path), 1):
        where = f"{path}, item {number}"
        if not isinstance(data, dict):
            raise UserError("an item must be an object", where=where)
        yield Record(data, where)


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        UserError: it is none.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"no valid JSON ({error})", where=str(path)) from error


def _rows(path: Path) -> Iterator[Any]:
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            yield from pq.ParquetFile(path).read().to_pylist()
        except pa.ArrowInvalid as error:
            raise UserError(f"no valid Parquet file ({error})", where=str(path)) from error
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as source:
            yield from csv.DictReader(source)
    elif path.suffix == ".jsonl":
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                try:
                    yield json.loads(line)
                except json.JSONDecodeError as error:
                    raise UserError(f"no valid JSON ({error.msg})", where=f"{path}, line {number}") from error
    else:
        data = read_json(path)
        if not isinstance(data, list):
            raise UserError("the file must hold a list of items", where=str(path))
        yield from data
