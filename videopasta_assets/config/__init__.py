"""The one configuration file of a project, `videopasta.yaml`, as typed settings."""

from videopasta_assets.config.loader import CONFIG_NAME, load_project
from videopasta_assets.config.settings import ProjectSettings, RoleSettings

__all__ = ["CONFIG_NAME", "ProjectSettings", "RoleSettings", "load_project"]
