"""Stage `aligned_checks`: may an aligned response be the chosen side of a pair? An option; the paper has only text.

A text-only verifier cannot see whether an answer is true of the video (VideoPASTA section 3.4 filters by text).
`self_consistency` asks the responder again with other random numbers and, if wanted, other frames: what it only
guessed, it guesses otherwise.
`video` shows the frames and the answer to the judge.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.config.recipe import VIDEOPASTA
from videopasta_assets.engines import FinishReason, Reply, Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes import parse_verdict, request_seed
from videopasta_assets.recipes.answer_text import same_answer
from videopasta_assets.recipes.truth_check import TRUTH_SCHEMA, parse_truth
from videopasta_assets.stages.aligned_responses import aligned_prompt
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Engines, Project, RoleName, decoding, good_rows
from videopasta_assets.stages.reply_cost import cost_of
from videopasta_assets.stages.sampled_videos import clip_of
from videopasta_assets.taxonomy import MODES
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.guard import UnreadableVideo
from videopasta_assets.video.plan import FramePlan, moved_plan, plan_frames
from videopasta_assets.video.worker import probe_safely

STAGE_VERSION = "2"


def wanted(project: Project) -> bool:
    """The recipe has a check that can see."""
    recipe = project.settings.recipe
    return recipe.name == VIDEOPASTA and recipe.aligned_check.method != "text"


def checker(project: Project) -> RoleName:
    """The role that is asked."""
    return "judge" if project.settings.recipe.aligned_check.method == "video" else "responder"


def agree_by(project: Project) -> str:
    """How samples are compared, with `auto` resolved."""
    chosen = project.settings.recipe.aligned_check.agree_by
    if chosen != "auto":
        return chosen
    return "words" if project.role("responder").style == "compact" else "verifier"


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    prompts = project.prompts(checker(project))
    video = project.settings.recipe.aligned_check.method == "video"
    names = ["check_answer"] if video else [f"aligned/{mode}" for mode in MODES]
    parts = {
        "stage": STAGE_VERSION,
        "check": stable_hash(project.settings.recipe.aligned_check, agree_by(project)),
        "model": project.model_id(checker(project)),
        "decoding": stable_hash(project.role(checker(project)).decoding),
        "seed": str(project.settings.seed),
        **project.frame_parts,
        **{f"prompt {name}": prompts.hash(name) for name in names},
    }
    if project.settings.recipe.aligned_check.policy_samples:
        parts["policy sampling"] = project.sampling("policy").spec_hash
    if not video and agree_by(project) == "verifier":
        parts["verifier"] = project.model_id("verifier")
        parts["verifier decoding"] = stable_hash(project.role("verifier").decoding)
        parts["prompt verify"] = project.prompts("verifier").hash("verify")
    return parts


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row an aligned response; none where the recipe checks by text alone."""
    if not wanted(project):
        return []
    parts = spec(project)
    videos = {row["video_id"]: row for row in good_rows(project, "sampled_videos", shard)}
    return [
        Derivation(
            aligned["response_id"],
            stable_hash(aligned["data_version"], videos[aligned["video_id"]]["dense_plan"], parts),
            (aligned, _requests(project, aligned, videos[aligned["video_id"]])),
        )
        for aligned in good_rows(project, "aligned_responses", shard)
        if aligned["video_id"] in videos
    ]


def _requests(project: Project, aligned: Row, video: Row) -> list[Request]:
    check = project.settings.recipe.aligned_check
    role = checker(project)
    clip = clip_of(project, video, "dense")
    key = aligned["response_id"]
    if check.method == "video":
        prompt = project.prompts(role).render("check_answer", query=aligned["query"], answer=aligned["response"])
        # In the compact style the whole reply is one word: no engine may press it into JSON.
        schema = TRUTH_SCHEMA if project.role(role).style == "standard" else None
        return [Request(f"{key}.0", prompt, clip, decoding(project.role(role).decoding), 0, schema)]
    drawing = decoding(project.role(role).decoding, temperature=check.temperature)
    prompt = aligned_prompt(project, aligned, clip.plan.duration)
    return [
        Request(f"{key}.{number}", prompt, clip, drawing, request_seed(project.settings.seed, "check", key, number))
        for number in range(check.samples + check.policy_samples)
    ]


def compute(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Ask, and yield a response's row as soon as its last reply is there."""
    aligned_rows: dict[str, Row] = {item.row_key: item.payload[0] for item in derivations}
    shown: dict[str, list[FramePlan] | None] = {}
    requests = [request for item in derivations for request in _spread(project, item.payload[1], shown)]
    requests.sort(key=lambda request: request.clip.key if request.clip else "")
    expected = {item.row_key: len(item.payload[1]) for item in derivations}
    agrees = _agreement(project, engines)
    gathered: dict[str, list[Reply]] = {}
    for reply in engines.engine(checker(project)).generate(requests):
        key = reply.request_id.rpartition(".")[0]
        gathered.setdefault(key, []).append(reply)
        if len(gathered[key]) == expected[key]:
            yield _row(project, aligned_rows[key], gathered.pop(key), agrees)


def _spread(project: Project, requests: list[Request], shown: dict[str, list[FramePlan] | None]) -> list[Request]:
    """The samples of one response on the frames that each sees; `shown` keeps the plans of each video."""
    check = project.settings.recipe.aligned_check
    clip = requests[0].clip
    if clip is None or checker(project) == "judge" or (check.frame_plans == 1 and not check.policy_samples):
        return requests
    if clip.video_id not in shown:
        shown[clip.video_id] = _plans(project, clip)
    if (plans := shown[clip.video_id]) is None:
        return requests  # The engine meets the same file, and its error becomes the row's.
    return [replace(request, clip=replace(clip, plan=plan)) for request, plan in zip(requests, plans, strict=True)]


def _plans(project: Project, clip: Clip) -> list[FramePlan] | None:
    """The frame plan of each sample about a video; None: it cannot be read."""
    check = project.settings.recipe.aligned_check
    try:
        info = probe_safely(clip.path, project.roots, project.limits)
    except UnreadableVideo:
        return None
    times = info.pts.tolist()
    moved = [moved_plan(clip.plan, times, number, check.frame_plans) for number in range(check.frame_plans)]
    plans = [moved[number % check.frame_plans] for number in range(check.samples)]
    return plans + [plan_frames(info, project.sampling("policy"), "policy")] * check.policy_samples


def _row(project: Project, aligned: Row, replies: list[Reply], agrees: Callable[[Row, str], bool]) -> Row:
    replies = sorted(replies, key=lambda reply: int(reply.request_id.rpartition(".")[2]))
    row: Row = {
        "row_key": aligned["response_id"],
        **{name: aligned[name] for name in ("response_id", "query_id", "video_id")},
        "method": project.settings.recipe.aligned_check.method,
        "checker": project.model_id(checker(project)),
        "replies": [reply.text for reply in replies],
        **cost_of(*replies),
        "created_at": datetime.now(UTC),
    }
    failed = next((reply.error for reply in replies if reply.error is not None), None)
    if failed is not None:
        return {**row, "error": failed}
    check = project.settings.recipe.aligned_check
    voting = replies if check.method == "video" else replies[: check.samples]
    agreeing = sum(agrees(aligned, reply.text) for reply in voting)
    return {**row, "agreeing": agreeing, "asked": len(voting), "passed": agreeing >= check.agreement * len(voting)}


def _agreement(project: Project, engines: Engines) -> Callable[[Row, str], bool]:
    """Whether a reply supports the aligned response."""
    if project.settings.recipe.aligned_check.method == "video":
        return lambda _, text: parse_truth(text) is True
    if agree_by(project) == "words":
        seconds = project.settings.recipe.aligned_check.seconds
        return lambda aligned, text: same_answer(aligned["response"], text, seconds)

    def by_verifier(aligned: Row, text: str) -> bool:
        prompt = project.prompts("verifier").render(
            "verify",
            query=aligned["query"],
            aligned=aligned["response"],
            adversary=text,
            mode=aligned["query_mode"],
        )
        request = Request("agree", prompt, None, decoding(project.role("verifier").decoding))
        reply = next(iter(engines.engine("verifier").generate([request])))
        parsed = parse_verdict(reply.text) if reply.finish_reason is not FinishReason.ERROR else None
        return parsed is not None and not parsed.is_contradiction

    return by_verifier


def passed_responses(project: Project, shard: str) -> set[str] | None:
    """Ids of the responses that passed; None where the recipe checks by text alone, and all may go on."""
    if not wanted(project):
        return None
    return {row["response_id"] for row in good_rows(project, "aligned_checks", shard) if row["passed"]}


STAGE: Final = Stage("aligned_checks", ("sampled_videos", "aligned_responses"), spec, derive)


def run(
    project: Project, shard: str, engines: Engines, *, retry_failed: bool = False, progress: Progress = silent
) -> Outcome:
    """Bring the shard's `aligned_checks` up to date."""
    return run_stage(
        project,
        STAGE,
        shard,
        lambda todo: compute(project, engines, todo),
        retry_failed=retry_failed,
        progress=progress,
    )
