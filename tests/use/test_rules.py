"""Rules over labels: the first that holds decides, and a bad file is named with the rule that is wrong in it."""

import pytest

from asr.errors import UserError
from asr.use.rules import first_rule, given_labels, read_rules, why_never

RULES = """
- if: {emotion: sad, video: smile}
  then: irony
- if: {emotion: [sad, angry], gender: female}
  then: comfort her
- if: {emotion: uncertain}
  then: ask again
- if: {age: 30}
  then: 7
"""


def read(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return read_rules(path)


@pytest.mark.parametrize(
    ("labels", "conclusion"),
    [
        ({"emotion": "sad", "gender": "female", "video": "smile"}, "irony"),
        ({"emotion": "sad", "gender": "female", "video": "frown"}, "comfort her"),
        ({"emotion": "angry", "gender": "female"}, "comfort her"),
        ({"emotion": "angry", "gender": "male"}, None),
        ({"emotion": "uncertain", "gender": "male"}, "ask again"),
        ({"age": "30"}, "7"),
        ({}, None),
    ],
)
def test_the_first_rule_that_holds_decides(tmp_path, labels, conclusion):
    found = first_rule(read(tmp_path, RULES), labels)
    assert (found.conclusion if found else None) == conclusion


def test_a_rule_without_conditions_always_holds(tmp_path):
    rules = read(tmp_path, "- if: {emotion: sad}\n  then: comfort\n- if: {}\n  then: nothing")
    assert first_rule(rules, {"emotion": "sad"}).number == 1
    assert (first_rule(rules, {}).number, first_rule(rules, {}).conclusion) == (2, "nothing")


GOOD = "- if: {emotion: sad}\n  then: comfort\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rules.yaml: no list of rules"),
        ("if: {emotion: sad}\nthen: irony", "rules.yaml: no list of rules"),
        ("- if: {emotion: sad", "rules.yaml: line 1: no YAML"),
        (GOOD + "- irony", "rules.yaml: rule 2: no rule"),
        (GOOD + "- when: {emotion: sad}\n  then: irony", "rules.yaml: rule 2: when: no such key"),
        (GOOD + "- if: {emotion: sad}\n  than: irony", "than: no such key; did you mean then?"),
        (GOOD + "- if: {emotion: sad}", "rules.yaml: rule 2: has no then"),
        (GOOD + "- then: irony", "rules.yaml: rule 2: has no if"),
        (GOOD + "- if: sad\n  then: irony", "rules.yaml: rule 2: if: no conditions"),
        (GOOD + "- if: {emotion: []}\n  then: irony", "rules.yaml: rule 2: emotion: no values"),
        (GOOD + "- if: {smile: yes}\n  then: irony", "rules.yaml: rule 2: smile: yes, no, on"),
        (GOOD + "- if: {emotion: {is: sad}}\n  then: irony", "rules.yaml: rule 2: emotion: {'is': 'sad'} is no text"),
        (GOOD + "- if: {emotion: sad}\n  then:", "rules.yaml: rule 2: then: is empty"),
        (GOOD + "- if: !!python/object/apply:os.getcwd []\n  then: x", "rules.yaml: line 3: no YAML"),
        ("[" * 5000, "rules.yaml"),
    ],
)
def test_a_bad_file_is_named_with_its_rule(tmp_path, text, message):
    with pytest.raises(UserError) as found:
        read(tmp_path, text)
    assert message in str(found.value) and "\n" not in str(found.value)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: cannot be read .No such file"):
        read_rules(tmp_path / "none.yaml")
    (tmp_path / "sound.wav").write_bytes(b"RIFF\xff\xfe")
    with pytest.raises(UserError, match=r"sound\.wav: cannot be read .UnicodeDecodeError"):
        read_rules(tmp_path / "sound.wav")


def test_what_is_given():
    assert given_labels(["video=smile", "place = at home"]) == {"video": "smile", "place": "at home"}
    for texts, message in ((["smile"], "name=value"), (["=smile"], "name=value"), (["a=1", "a=2"], "given already")):
        with pytest.raises(UserError, match=message):
            given_labels(texts)


def test_rules_that_can_never_hold_are_named(tmp_path):
    rules = read(tmp_path, RULES)
    known = {"emotion": ["happy", "said", "uncertain"], "gender": ["female"], "age": ["30"]}
    assert why_never(rules, known) == [
        "rule 1 never holds: emotion is never sad; did you mean said?",
        "rule 2 never holds: emotion is never sad or angry; did you mean said?",
    ]
    assert "nothing tells video" in why_never(rules, {"emotion": ["sad"], "gender": ["male"]})[0]
