"""A project as the stages see it: settings, lake, prompts and model identities."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol

from videopasta_assets.config import ProjectSettings, RoleSettings
from videopasta_assets.config.embedded import EMBEDDED_MODEL, MODEL_DIR
from videopasta_assets.config.evaluation import BenchmarkSettings
from videopasta_assets.config.recipe import ITERATED
from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.config.settings import DecodingSettings
from videopasta_assets.engines import Decoding, Engine
from videopasta_assets.engines.identity import role_identity
from videopasta_assets.errors import UserError
from videopasta_assets.lake import COMMON, TABLES, Address, Lake, Row
from videopasta_assets.lake.objects import is_url
from videopasta_assets.prompts import PromptLibrary
from videopasta_assets.video.guard import MediaLimits
from videopasta_assets.video.plan import SamplingSpec
from videopasta_assets.video.reader import EXACT, FrameReader, get_reader
from videopasta_assets.video.worker_pool import usual_workers

_OF_ALL_ITERATIONS: Final = frozenset({"sampled_videos"})
"""Tables of a recipe that no model has a part in."""

if TYPE_CHECKING:
    from videopasta_assets.engines.feature_store import FeatureStore  # imports torch
    from videopasta_assets.engines.picture_store import PictureStore

RoleName = Literal["query_writer", "responder", "verifier", "judge"]


class Engines(Protocol):
    """Gives the engine of a role; loading a model is slow, so implementations keep it."""

    def engine(self, role: RoleName) -> Engine:
        """The engine that answers for `role`."""
        ...


@dataclass(frozen=True)
class Project:
    """Settings and lake, with what derives from them."""

    settings: ProjectSettings
    iteration: int = 1
    """Which round of a recipe that is repeated with its own tuned model (stages/iteration.py)."""

    @cached_property
    def lake(self) -> Lake:
        """The project's lake, made on first use."""
        lake = self.settings.lake
        return Lake(lake if is_url(lake) else self.settings.path(Path(lake)))

    @property
    def recipe(self) -> str:
        """Name of the recipe: the key prefix of its assets."""
        return self.settings.recipe.name

    @property
    def video_folder(self) -> Path:
        """Folder that the videos are in."""
        return self.settings.path(self.settings.videos.folder)

    @property
    def altered_folder(self) -> Path:
        """Folder of the videos that recipes make of others."""
        return self.settings.root / "altered"

    @cached_property
    def reader(self) -> FrameReader:
        """Decodes frames; it opens nothing outside the video folder and the benchmarks' folders."""
        videos = self.settings.videos
        return get_reader(videos.decoder, self.roots, limits=self.limits, workers=videos.workers or usual_workers())

    @property
    def limits(self) -> MediaLimits:
        """What is too big to be read, and how long a decoder may take."""
        videos = self.settings.videos
        return MediaLimits(max_file_bytes=videos.max_bytes, decode_seconds=videos.decode_seconds)

    @property
    def roots(self) -> tuple[Path, ...]:
        """Folders that media may be read from."""
        benchmarks = map(self.benchmark_folder, self.settings.evaluation.benchmarks)
        return (self.video_folder, self.altered_folder, *benchmarks)

    def benchmark_folder(self, benchmark: BenchmarkSettings) -> Path:
        """Folder that the paths of a benchmark's videos start at."""
        if benchmark.videos is not None:
            return self.settings.path(benchmark.videos)
        place = self.settings.path(benchmark.items)
        return place.parent if benchmark.format == "items" or place.is_file() else place

    def address(self, table: str, shard: str) -> Address:
        """Where `table` keeps the rows of `shard` for this recipe and iteration.

        `shard` may be a key of either kind: `s000001`, or `s000001__i2` as `partition` writes it.
        """
        plain = self.plain(shard)
        if not TABLES[table].per_recipe:
            return Address(table, COMMON, plain)
        return Address(table, self.recipe, plain if table in _OF_ALL_ITERATIONS else self.partition(plain))

    def partition(self, shard: str) -> str:
        """The partition key of a shard, or of an experiment, in this iteration; the first has the plain key."""
        return f"{shard}{self._suffix}"

    def plain(self, key: str) -> str:
        """A partition key of this iteration without the iteration."""
        return key.removesuffix(self._suffix)

    def shards_of(self, table: str) -> list[str]:
        """Plain keys of what the lake holds of a table of this recipe and iteration."""
        held = self.lake.shards_of(table, self.address(table, "any").recipe)
        if self.settings.recipe.iterations == 1 or table in _OF_ALL_ITERATIONS:
            return held
        if self.iteration == 1:
            return [key for key in held if not ITERATED.search(key)]
        return [self.plain(key) for key in held if key.endswith(self._suffix)]

    @property
    def _suffix(self) -> str:
        return "" if self.iteration == 1 else f"__i{self.iteration}"

    def data_version(self, table: str, shard: str) -> str:
        """Data version of what the lake holds of a table; empty before it was materialized."""
        manifest = self.lake.manifest(self.address(table, shard))
        return manifest.data_version if manifest else ""

    def role(self, role: RoleName) -> RoleSettings:
        """Settings of a role."""
        found: RoleSettings = getattr(self.settings.roles, role)
        return found

    def prompts(self, role: RoleName) -> PromptLibrary:
        """The prompt templates that a role's model is given."""
        return self._libraries[self.role(role).style]

    @cached_property
    def _libraries(self) -> dict[str, PromptLibrary]:
        overrides = self.settings.recipe.prompts
        folder = None if overrides is None else self.settings.path(overrides)
        return {style: PromptLibrary(style, folder) for style in ("standard", "compact")}

    def model_id(self, role: RoleName) -> str:
        """`name@revision` of a role's model, without loading it."""
        settings = self.role(role)
        key = (settings.engine, settings.model, settings.revision, settings.server)
        if key not in self._model_ids:
            self._model_ids[key] = role_identity(settings, self.model_source(role))
        return self._model_ids[key]

    @cached_property
    def _model_ids(self) -> dict[tuple[str, str, str | None, ServerSettings | None], str]:
        return {}

    def model_source(self, role: RoleName) -> str:
        """What is loaded for a role: a folder, or a name on the hub."""
        model = self.role(role).model
        if model == EMBEDDED_MODEL:
            return str(MODEL_DIR)
        local = self.settings.path(Path(model))
        return str(local) if local.is_dir() else model

    def model_folder(self, role: RoleName) -> Path:
        """Local folder of a role's model; a model of the hub is downloaded once.

        Raises:
            UserError: the model is not on the hub, or the hub cannot be reached.
        """
        source = self.model_source(role)
        if Path(source).is_dir():
            return Path(source)
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

        try:
            return Path(snapshot_download(source, revision=self.role(role).revision))
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
            raise UserError(
                f"model {source!r} is neither a folder nor to be had from the model hub ({type(error).__name__})",
                where=f"roles.{role}.model",
                fix="Check the name, the network and HF_TOKEN, or give the folder of a downloaded model.",
            ) from error

    def sampling(self, role: Literal["dense", "sparse", "policy"]) -> SamplingSpec:
        """The sampling specification of a frame plan; the policy's is the dense one unless settings give another."""
        settings = getattr(self.settings.frames, role) or self.settings.frames.dense
        return SamplingSpec(
            strategy=settings.strategy, value=settings.value, max_frames=settings.max_frames, snap=settings.snap
        )

    @cached_property
    def features(self) -> "FeatureStore | None":
        """Where vision features of clips are kept; None: nowhere."""
        from videopasta_assets.engines.feature_store import FeatureStore

        size = int(self.settings.frames.feature_store_gib * 2**30)
        return FeatureStore(self.feature_folder, size) if size else None

    @cached_property
    def pictures(self) -> "PictureStore | None":
        """Where clips are kept as they are sent to servers; None: nowhere."""
        from videopasta_assets.engines.picture_store import PictureStore

        size = int(self.settings.frames.picture_store_gib * 2**30)
        return PictureStore(self.settings.path(Path("cache/frames")), size) if size else None

    @property
    def feature_folder(self) -> Path:
        """Folder of the feature store: on this machine, wherever the lake is."""
        return self.settings.path(Path("cache/vision-features"))

    @property
    def frame_parts(self) -> dict[str, str]:
        """How chosen frames reach a model: parts of the specification of each stage that shows it some.

        Empty for the exact decoder and whole frames.
        """
        parts: dict[str, str] = {}
        decoder = self.settings.videos.decoder
        if decoder not in ("auto", EXACT):
            parts["decoder"] = decoder
        if self.settings.frames.max_side is not None:
            parts["frames.max_side"] = str(self.settings.frames.max_side)
        return parts


def decoding(settings: DecodingSettings, **changes: float) -> Decoding:
    """Engine decoding parameters from settings, with some replaced."""
    return Decoding(**{**settings.model_dump(), **changes})


def good_rows(project: Project, table: str, shard: str) -> Iterator[Row]:
    """Rows of a shard that carry content: error rows have nothing to derive from."""
    return (row for row in project.lake.rows(project.address(table, shard)) if row["error"] is None)
