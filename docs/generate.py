"""Write the generated part of docs/configuration.md: run it after a change of the settings."""

import re
from pathlib import Path

from videopasta_assets.config.presets import preset_text
from videopasta_assets.config.template import project_file

PAGE = Path(__file__).parent / "configuration.md"
_BLOCK = re.compile(r"(?<=```yaml\n)# The project file of .*?(?=```\n)", re.DOTALL)

if __name__ == "__main__":
    block = project_file(preset_text("embedded"))
    PAGE.write_text(_BLOCK.sub(lambda _: block, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
