"""Write the generated parts of the guides: the settings in configuration.md, the SQL models in sql.md."""

import re
from pathlib import Path

from dbt_like_sql.catalog import load_models
from videopasta_assets.config.presets import preset_text
from videopasta_assets.config.template import project_file

PAGE = Path(__file__).parent / "configuration.md"
_BLOCK = re.compile(r"(?<=```yaml\n)# The project file of .*?(?=```\n)", re.DOTALL)
QUESTIONS = PAGE.with_name("sql.md")
_QUESTIONS = re.compile(r"(?<=\| question \| answers \|\n\|---\|---\|\n)(?:\|.*\n)*")


def questions() -> str:
    """Rows of the table of ready-made questions: each with the first sentence of its file."""
    models = sorted(load_models(), key=lambda model: model.name)
    return "".join(f"| `{model.name}` | {model.description.split('. ')[0].rstrip('.')}. |\n" for model in models)


if __name__ == "__main__":
    block = project_file(preset_text("embedded"))
    PAGE.write_text(_BLOCK.sub(lambda _: block, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    QUESTIONS.write_text(_QUESTIONS.sub(lambda _: questions(), QUESTIONS.read_text(encoding="utf-8")), encoding="utf-8")
