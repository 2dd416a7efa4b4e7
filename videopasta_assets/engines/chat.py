"""Chat completions: a request as the JSON that a server takes, and the JSON of its answer as a reply.

System, video, then text: what requests about one video share stands first, so that a server's prefix cache hits.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from videopasta_assets.engines.fault import FaultKind, ServerFault
from videopasta_assets.engines.frame_payload import FramePayload
from videopasta_assets.engines.protocol import FinishReason, Reply, Request

_CONTROL: Final = re.compile(
    r"<(?=\|[^<>|\s]{1,40}\|>|/?(?:s|image|video|img|IMG_CONTEXT|pad|bos|eos|think|start_of_turn|end_of_turn)>)"
)
_FINISH: Final = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}


def chat_body(request: Request, model: str, payload: FramePayload | None, *, structured: bool) -> dict[str, Any]:
    """The JSON body of a chat completion.

    Args:
        request: what is asked.
        model: the model's, or the LoRA adapter's, name at the server.
        payload: the frames of the request's clip.
        structured: send the request's JSON schema, if it has one.
    """
    content: Any = _harmless(request.prompt.text)
    if payload is not None:
        content = [*payload.parts, {"type": "text", "text": content}]
    messages = [{"role": "user", "content": content}]
    if request.prompt.system:
        messages.insert(0, {"role": "system", "content": _harmless(request.prompt.system)})
    decoding = request.decoding
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": decoding.max_new_tokens,
        "temperature": decoding.temperature,
        "stream": False,
    }
    if decoding.temperature > 0:
        body |= {"top_p": decoding.top_p, "seed": request.seed}
    if decoding.repetition_penalty != 1.0:
        body["repetition_penalty"] = decoding.repetition_penalty
    if payload is not None and payload.media_io is not None:
        body["media_io_kwargs"] = payload.media_io
    if structured and request.json_schema is not None:
        schema = {"name": "reply", "schema": request.json_schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


@dataclass(frozen=True)
class ChatAnswer:
    """An answer, read.

    Attributes:
        reply: as every engine gives it.
        cached_tokens: prompt tokens that the server did not compute again; 0 where it does not say.
    """

    reply: Reply
    cached_tokens: int


def chat_answer(request_id: str, answer: bytes, seconds: float) -> ChatAnswer:
    """Read an answer.

    Raises:
        ServerFault: it is no whole chat completion, it is empty, or the server withheld the text.
    """
    try:
        data = json.loads(answer)
        choice = data["choices"][0]
        message, finish = choice["message"], choice["finish_reason"]
        usage = data.get("usage") or {}
        prompt, completion = (int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
        details = usage.get("prompt_tokens_details")
        cached = None if details is None else int(details.get("cached_tokens") or 0)
        withheld = finish == "content_filter" or message.get("refusal")
        text = message.get("content") or ""
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ServerFault(FaultKind.BROKEN_REPLY, f"no chat completion in {len(answer)} bytes") from error
    if withheld:
        raise ServerFault(FaultKind.FILTERED, "the server withheld its answer (content filter)")
    if not isinstance(text, str) or finish not in _FINISH:
        raise ServerFault(FaultKind.BROKEN_REPLY, f"generation ended with {str(finish)[:40]!r}")
    if not text.strip():
        raise ServerFault(FaultKind.EMPTY, f"no text after {completion} tokens (finish reason {finish})")
    reply = Reply(request_id, text.strip(), _FINISH[finish], prompt, completion, seconds, cached_tokens=cached)
    return ChatAnswer(reply, cached or 0)


def _harmless(text: str) -> str:
    """`text` with control tokens broken up: a question that a model wrote must not end the turn it stands in.

    The server's tokenizer is not here, so it is the forms of the known families that are broken.
    """
    return _CONTROL.sub("< ", text)
