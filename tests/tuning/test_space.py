"""Spaces as search files describe them: what is drawn from them, what settles them, which points they hold."""

import optuna
import pytest
from omegaconf import OmegaConf

from asr.commands.tune_arguments import own_and_train
from asr.configuration.compose import load_configuration, load_values
from asr.configuration.search_path import group_files
from asr.errors import UserError
from asr.tuning.points import corners, every_point
from asr.tuning.space import read_space

NESTED = {
    "encoder": {"choices": {"lstm": {"encoder.layers": {"low": 1, "high": 3}}, "mlp": None}},
    "augment": {"subset": {"speed": None, "noise": {"augment.noise.low_db": [0, 5]}}},
    "optimizer.lr": {"low": 1e-4, "high": 1e-2, "log": True},
}


def test_every_draw_is_a_configuration_and_the_parameters_say_which():
    space, study = read_space(NESTED), optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    encoders, members = set(), set()
    for _ in range(60):
        trial = study.ask()
        overrides = dict(each.split("=") for each in space.suggest(trial))
        encoders.add(overrides["encoder"])
        members.add(overrides["augment"])
        assert ("encoder.layers" in overrides) == (overrides["encoder"] == "lstm")
        assert ("augment.noise.low_db" in overrides) == ("noise" in overrides["augment"])
        assert 1e-4 <= float(overrides["optimizer.lr"]) <= 1e-2
        assert space.overrides(trial.params) == [f"{key}={value}" for key, value in overrides.items()]
    assert encoders == {"lstm", "mlp"}
    assert members == {"none", "[speed]", "[noise]", "[speed,noise]"}


def test_a_configuration_is_a_point_where_it_lies_inside():
    space = read_space(NESTED)
    inside = ["encoder=lstm", "encoder.layers=2", "augment=[noise]", "augment.noise.low_db=5"]
    point = space.point_of(load_values("train", inside))
    assert point == {
        "encoder": "lstm",
        "encoder.layers (lstm)": 2,
        "augment.speed": False,
        "augment.noise": True,
        "augment.noise.low_db (noise)": 5,
        "optimizer.lr": 0.001,
    }
    assert set(space.overrides(point)) >= {"encoder=lstm", "encoder.layers=2", "augment=[noise]"}
    for outside in ("encoder=gru", "encoder.layers=4", "optimizer.lr=0.5", "augment=[specaugment]"):
        changed = [each for each in inside if each.split("=")[0] != outside.split("=")[0]]
        if outside != "encoder.layers=4":
            changed = [each for each in changed if not each.startswith("encoder.layers")]
        changed = [each for each in changed if "noise" not in each] if "specaugment" in outside else changed
        assert space.point_of(load_values("train", [*changed, outside])) is None, outside


@pytest.mark.parametrize(
    ("fixed", "left"),
    [
        (["optimizer.lr=0.002"], {"encoder", "encoder.layers (lstm)", "augment.speed", "augment.noise"}),
        (["encoder=lstm"], {"encoder.layers (lstm)", "augment.speed", "augment.noise", "optimizer.lr"}),
        (["encoder=mlp"], {"augment.speed", "augment.noise", "optimizer.lr"}),
        (["encoder=cnn"], {"augment.speed", "augment.noise", "optimizer.lr"}),
        (["augment=[noise]"], {"encoder", "encoder.layers (lstm)", "augment.noise.low_db (noise)", "optimizer.lr"}),
    ],
)
def test_an_override_settles_a_key_and_leaves_what_goes_with_it(fixed, left):
    space, study = read_space(NESTED, fixed), optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    found = set()
    for _ in range(30):
        trial = study.ask()
        overrides = space.suggest(trial)
        assert not {each.split("=")[0] for each in overrides} & {each.split("=")[0] for each in fixed}
        found |= set(trial.params)
    assert found - {"augment.noise.low_db (noise)"} == left - {"augment.noise.low_db (noise)"}


def test_every_point_of_a_grid_comes_once():
    grid = {**NESTED, "optimizer.lr": [0.001, 0.002], "schedule.final_share": {"low": 0.0, "high": 0.3, "step": 0.1}}
    points = list(every_point(read_space(grid)))
    assert len(points) == (3 + 1) * (1 + 1) * (1 + 2) * 2 * 4
    assert len({tuple(sorted(point.items())) for point in points}) == len(points)
    assert {round(point["schedule.final_share"], 9) for point in points} == {0.0, 0.1, 0.2, 0.3}


def test_a_grid_of_a_range_without_steps_is_refused():
    with pytest.raises(UserError, match=r"optimizer.lr.*a step"):
        list(every_point(read_space(NESTED)))


def test_corners_hold_every_choice_with_both_ends():
    tried = [" ".join(corner) for corner in corners(read_space(NESTED))]
    for wanted in ("encoder.layers=1", "encoder.layers=3", "encoder=mlp", "augment=[noise]", "low_db=5", "lr=0.01"):
        assert any(wanted in each for each in tried), wanted


@pytest.mark.parametrize("search", sorted(set(group_files("search")) - {"full"}))  # full: the others
def test_every_search_that_comes_along_can_be_trained(search):
    """Both ends of every range with every choice, on the configuration as it stands."""
    config = load_configuration("tune", [f"search={search}"])
    space = read_space(OmegaConf.to_container(config.search.space))
    for corner in corners(space):
        load_configuration("train", corner)


def test_several_searches_are_one():
    config, passed_on = own_and_train(["search=[features,augmentation]", "encoder=lstm"])
    assert config.name == "features-augmentation" and passed_on == ["encoder=lstm"]
    assert {"features", "features.hop_ms", "augment"} <= set(config.search.space)
    pruners = [own_and_train([f"search={name}"])[0].choices.pruner for name in ("[features,augmentation]", "full")]
    assert pruners == ["late", "halving"]
    assert own_and_train(["search=features"])[0].name == "features"
    assert own_and_train([])[0].name == "quick" and own_and_train(["name=mine"])[0].name == "mine"


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"optimizer.lr": 0.1}, "optimizer.lr: 0.1 is no range"),
        ({"optimizer.lr": {"low": 2, "high": 1}}, "low is above high"),
        ({"optimizer.lr": {"low": 0, "high": 1, "log": True}}, "begins above 0"),
        ({"optimizer.lr": {"low": 0.0, "high": 1.0, "step": 0}}, "a step is above 0"),
        ({"optimizer.lr": {"low": 1, "high": 9, "step": 0.5}}, "whole number"),
        ({"optimizer.lr": {"low": "a", "high": 1}}, "numbers are wanted"),
        ({"optimizer.lr": {"low": 1}}, "low and high are both wanted"),
        ({"optimizer.lr": {"low": 1, "high": 2, "lgo": True}}, "lgo is not known"),
        ({"encoder": []}, "choices is empty"),
        ({"encoder": {"choices": {}}}, "choices is empty"),
        ({"encoder": {"choices": {"lstm": {"encoder.layers": 3}}}}, "encoder.layers: 3 is no range"),
    ],
)
def test_what_is_no_space_is_told_by_its_key(described, message):
    with pytest.raises(UserError, match=r"search\.space") as error:
        read_space(described)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("described", "inside", "outside"),
    [
        ({"low": 1, "high": 9}, (1, 4, 9), (0, 10, 2.5, True, "4", None)),
        ({"low": 64, "high": 256, "step": 64}, (64, 192, 256), (100, 320)),
        ({"low": 1, "high": 64, "log": True}, (1, 3, 64), (0, 1.5)),
        ({"low": 0.0, "high": 0.3, "step": 0.1}, (0.0, 0.1, 0.2, 0.3), (0.15, 0.4)),
        ({"low": 1e-4, "high": 1e-2, "log": True}, (1e-4, 0.00123, 1e-2), (0.02, float("nan"))),
    ],
)
def test_a_range_holds_what_optuna_takes_for_it(described, inside, outside):
    space = read_space({"optimizer.lr": described})
    for value in (*inside, *outside):
        found = space.point_of({"choices": {}, "optimizer": {"lr": value}})
        assert found == ({"optimizer.lr": value} if value in inside and value is not True else None), value
    for value in inside:
        assert space.overrides({"optimizer.lr": value}) == [f"optimizer.lr={value}"]
