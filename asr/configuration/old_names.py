"""Where parts stood in earlier versions: what their models and runs name is found again."""

from typing import Any

TRANSCRIBE = "asr.tasks.transcribe.task.Transcribe"  # the one task of earlier versions
MOVED = {  # the beginning of an old dotted name -> of today's; none begins another
    "asr.features": "asr.model.features",
    "asr.augment": "asr.model.augment",
    "asr.encoders": "asr.model.encoders",
    "asr.ctc": "asr.tasks.transcribe.ctc",
    "asr.decode": "asr.tasks.transcribe.decode",
    "asr.text": "asr.tasks.transcribe.text",
    "asr.data.readers": "asr.corpus.readers",
    "asr.data.synthetic": "asr.synthetic.corpus",
}


def with_current_names(node: Any) -> Any:
    """The same values, where every `_target_` of an earlier version is named as it is now."""
    if isinstance(node, list):
        return [with_current_names(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        key: current_name(value) if key == "_target_" and isinstance(value, str) else with_current_names(value)
        for key, value in node.items()
    }


def current_name(target: str) -> str:
    for old, new in MOVED.items():
        if target.startswith(old + "."):
            return new + target.removeprefix(old)
    return target


def as_current_format(config: dict[str, Any]) -> dict[str, Any]:
    """A model's config.yaml as it is written now: format 1 knew transcripts alone, and had their parts at the top."""
    if config.get("format") != 1:
        return config
    own: dict[str, Any] = {key: config[key] for key in ("text", "decoder", "confidence") if key in config}
    others = {key: value for key, value in config.items() if key not in own}
    task: dict[str, Any] = {"_target_": TRANSCRIBE, **own}
    return others | {"format": 2, "task": task}
