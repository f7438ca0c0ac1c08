"""Tables of answers become rows: joined with actors, the phrase out of the clip's name, unusable rows named."""

import pytest

from asr.errors import UserError
from asr.tasks.table.kinds import EMOTIONS
from asr.tasks.table.reading import Settings, read_answers
from tests.tasks.table.tables import ANSWER_COLUMNS, answer, write, write_actors


def folder_with(tmp_path, rows, columns=ANSWER_COLUMNS):
    write_actors(tmp_path, actors=("1001", "1002"))
    write(tmp_path / "finishedResponses.csv", columns, rows)
    return tmp_path


def test_answers_are_joined_with_their_actor_and_the_phrase_of_the_clip(tmp_path):
    rows = [answer(1, "1002_DFA_ANG_XX", "S", ttr=812), answer(2, "1001_IEO_NEU_XX.flv", "N", queryType=3)]
    found = read_answers(folder_with(tmp_path, rows), None, Settings())
    assert found.ids == ["1002_DFA_ANG_XX#2", "1001_IEO_NEU_XX#3"]
    assert (found.actors, found.targets) == (["1002", "1001"], ["A", "N"])
    wanted = {"Age": ["21", "20"], "Sex": ["Female", "Male"], "PhraseType": ["DFA", "IEO"], "ttr": ["812", "1500"]}
    wanted |= {"queryType": ["1", "3"], "respEmo": ["S", "N"]}
    assert {name: found.cells[name] for name in wanted} == wanted
    assert found.numbers == ["ttr", "numTries", "respLevel", "Age"]


def test_nothing_is_learnt_from_what_gives_the_emotion_away(tmp_path):
    found = read_answers(folder_with(tmp_path, [answer(1, "1001_IEO_NEU_XX", "N")]), None, Settings())
    used = {*found.numbers, *found.categories}
    assert not used & {"clipName", "clipNum", "dispEmo", "dispVal", "dispLevel", "ans", ""}
    assert set(found.unused) == set(ANSWER_COLUMNS) - used
    taken = read_answers(tmp_path, None, Settings(take_in=["clipNum", "dispLevel"], leave_out=["respLevel"]))
    assert "clipNum" in taken.numbers and "dispLevel" in taken.categories and "respLevel" not in taken.numbers


def test_rows_that_cannot_be_used_are_dropped_counted_and_named(tmp_path):
    rows = [
        answer(1, "1001_IEO_NEU_XX", "N", dispVal="NA"),
        answer(2, "1001_IEO_ANG_HI", "A"),
        answer(3, "ANG_HI_practice", "A"),
        answer(4, "1009_IEO_SAD_XX", "S"),
        answer(5, "1001_IEO_SAD_LO", "S", dispEmo=""),
        answer(6, "1001_IEO_NEU_XX", "N", dispVal=""),
    ]
    found = read_answers(folder_with(tmp_path, rows), None, Settings())
    assert found.ids == ["1001_IEO_ANG_HI#3"]
    reasons = [(each["line"], each["reason"]) for each in found.dropped]
    assert reasons == [
        *((2, "critical_value_missing"), (4, "clip_name"), (5, "actor_unknown"), (6, "target_missing")),
        (7, "critical_value_missing"),
    ]
    assert found.dropped[0]["id"] == "1001_IEO_NEU_XX#2" and "task.critical" in found.dropped[0]["remedy"]
    first, *_, last = found.notes
    assert first == "2 of 6 rows dropped, critical_value_missing: dispVal has no value"
    assert last.startswith("no row with N, S is left")
    other = read_answers(tmp_path, None, Settings(critical="respEmo"))
    assert other.ids == ["1001_IEO_NEU_XX#2", "1001_IEO_ANG_HI#3", "1001_IEO_NEU_XX#7"]


def test_tabulated_votes_take_emotion_and_kind_of_question_from_names(tmp_path):
    write_actors(tmp_path, actors=("1001",))
    levels = [f"mean{emotion}Resp{norm}" for norm in ("", "Norm") for emotion in ("Emo", *EMOTIONS)]
    columns = ["", *"ADFHNS", "fileName", "numResponses", "agreement", "emoVote", *levels]
    columns += ["medianEmoResp", "medianEmoRespNorm"]
    row = [2, 0, 2, 1, 0, 0, "1001_IEO_HAP_LO", 5, 0.4, "A:F", *[50] * 14, 50, 50]
    write(tmp_path / "processedResults" / "tabulatedVotes.csv", columns, [["300002", *row]])
    found = read_answers(tmp_path, None, Settings(take_in=["clipNum"]))
    assert (found.targets, found.cells["queryType"], found.cells["emoVote"]) == (["H"], ["3"], ["A:F"])
    assert found.cells["clipNum"] == ["2"] and "clipNum" in found.numbers


def test_a_summary_has_one_row_a_clip(tmp_path):
    write_actors(tmp_path, actors=("1001",))
    columns = ("", "FileName", "VoiceVote", "VoiceLevel", "FaceVote", "FaceLevel", "MultiModalVote", "MultiModalLevel")
    row = ("1", "1001_IEO_SAD_LO", "N", "69.1", "N:S", "62:71", "S", "50")
    write(tmp_path / "processedResults" / "summaryTable.csv", columns, [row])
    found = read_answers(tmp_path, "processedResults/summaryTable.csv", Settings())
    assert found.targets == ["S"] and found.cells["FaceLevel"] == ["62:71"]


@pytest.mark.parametrize("gone", ["ttr", "respEmo", "clipName", "dispEmo", "dispVal"])
def test_a_missing_column_is_one_line_that_names_it(tmp_path, gone):
    columns = [name for name in ANSWER_COLUMNS if name != gone]
    known = dict(zip(ANSWER_COLUMNS, answer(1, "1001_IEO_NEU_XX", "N"), strict=True))
    source = folder_with(tmp_path, [[known[name] for name in columns]], columns)
    with pytest.raises(UserError, match=rf"finishedResponses.csv: has no column {gone}[^\n]*$"):
        read_answers(source, None, Settings())


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"has no finishedResponses.csv or processedResults/tabulatedVotes.csv"):
        read_answers(tmp_path, None, Settings())
    source = folder_with(tmp_path, [answer(1, "1001_IEO_NEU_XX", "N")])
    with pytest.raises(UserError, match=r"data.answers"):
        read_answers(source, "nothing.csv", Settings())
    with pytest.raises(UserError, match=r"task.take_in=\[clipNumber\].*did you mean clipNum"):
        read_answers(source, None, Settings(take_in=["clipNumber"]))
    (source / "VideoDemographics.csv").unlink()
    with pytest.raises(UserError, match=r"VideoDemographics.csv: not there"):
        read_answers(source, None, Settings())
