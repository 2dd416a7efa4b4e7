"""What a model is told about frames that were sampled beforehand."""

from typing import Any, Final

from videopasta_assets.video.plan import FramePlan

# A plan that covers less of its video than this is a window into it, not a sample of it.
_WINDOW_SHARE: Final = 0.5


def video_metadata(plan: FramePlan) -> dict[str, Any]:
    """What a processor must know of frames that were sampled beforehand, so that its clock follows their timestamps.

    Processors take the time between frames from the number of frames and the length of the video. That is right for
    a plan that samples the whole video; for a window the length is the window's.
    """
    indices, total = list(plan.indices), plan.total_frames
    covered = len(indices) / plan.sampled_fps
    if covered < _WINDOW_SHARE * plan.duration:
        total = max(len(indices), round(covered * plan.fps))
        indices = [index - plan.indices[0] for index in plan.indices]
    return {
        "fps": plan.fps,
        "total_num_frames": total,
        "frames_indices": indices,
        "duration": total / plan.fps,
    }
