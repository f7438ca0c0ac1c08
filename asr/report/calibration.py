"""Whether confidences are true: a diagram of how often predictions of each confidence are right."""

from markupsafe import Markup

from asr.report.numbers import is_number
from asr.report.page import part
from asr.report.plots import drawing, reliability

MEASURES = {"ece": "expected calibration error", "auc": "area under the ROC curve"}


def calibration(found: object, counted: str) -> Markup:
    """A reliability diagram with its measures in words; nothing where there are no bins.

    found: `calibration` of a split's metrics, with ece, auc and bins of confidence, accuracy and `counted` (words,
    utterances).
    """
    known = found if isinstance(found, dict) else {}
    numbers = [each for each in known.get("bins") or [] if isinstance(each, dict)]
    bins = [each for each in numbers if is_number(each.get("confidence")) and is_number(each.get("accuracy"))]
    if not bins:
        return Markup()
    measures = "; ".join(f"{name} {known[key]:.3f}" for key, name in MEASURES.items() if is_number(known.get(key)))
    meaning = f"The confidence of {counted} is to be the share of them that is right: points on the diagonal."
    remark = f"{meaning} {measures[:1].upper()}{measures[1:]}." if measures else meaning
    return part("paragraph", remark) + drawing(reliability(bins, counted))
