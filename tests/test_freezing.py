"""Frozen layers: they do not learn, and files, copies and presets keep which they are."""

import copy

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.presets.config import read_config
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import all_rows, all_variables, assert_equal, fit, new, one_row_a_mechanism, values

TINY = all_rows()["dcgan"].arguments


def freeze_some(model):
    """Freeze the first layer below each role's first network, and all of the last role's; returns their variables."""
    for role, names in model.roles.items():
        network = getattr(model, names[0])
        below = [layer for layer in network._flatten_layers(include_self=False) if layer.weights]
        (below or [network])[0].trainable = False
        if role == list(model.roles)[-1] and len(model.roles) > 1:
            network.trainable = False
    return {v.path for v in model.weights} - {v.path for v in model.trainable_variables}


def flags(model):
    return [(type(one).__name__, one.trainable) for one in model._flatten_layers()], [
        variable.trainable for variable in model.weights
    ]


@pytest.mark.parametrize("name", one_row_a_mechanism())
def test_copies_and_presets_keep_what_is_frozen(name, tmp_path):
    model = new(name)
    assert model.frozen_layers() == []
    assert "frozen_layers" not in model.get_config()
    freeze_some(model)
    assert model.frozen_layers()
    model.save_preset(tmp_path / "mine")
    assert read_config(tmp_path / "mine" / "config.yaml").frozen == model.frozen_layers()
    copies = [
        type(model).from_config(model.get_config()),
        keras.models.clone_model(model),
        copy.deepcopy(model),
        kerazoo.load(tmp_path / "mine"),
    ]
    for found in copies:
        assert flags(found) == flags(model)


@pytest.mark.parametrize("name", one_row_a_mechanism())
def test_a_model_frozen_in_part_goes_on_exactly(name, tmp_path):
    batch, model = all_rows()[name].batch(), new(name)
    model.compile(seed=1, run_eagerly=True)  # few steps are sooner done than traced
    model.begin_stage(model.stages()[-1].name)
    fit(model, 1, batch)  # all learn; then some are frozen, without another compile
    frozen = freeze_some(model)
    before = {v.path: v.numpy() for v in model.weights}
    fit(model, 1, batch)
    after = {v.path: v.numpy() for v in model.weights}
    moved = {path for path in before if not np.array_equal(before[path], after[path])}
    learning = {v.path for role in model.stage.roles for v in model._learning(model.variables_of(role))}
    learning -= all_rows()[name].unchanged
    # Averages of a network that is not frozen may move, too.
    assert learning <= moved
    assert not moved & {path for path in frozen if not path.rpartition("/")[2].startswith("moving")}
    model.save(tmp_path / "mine.keras")
    loaded = keras.models.load_model(tmp_path / "mine.keras")
    assert flags(loaded) == flags(model)
    assert_equal(all_variables(loaded), all_variables(model))
    for one in (model, loaded):
        fit(one, 1, batch)
    assert_equal(all_variables(loaded), all_variables(model))


def test_freezing_and_unfreezing_take_effect_at_the_next_fit_and_keep_the_optimizer():
    batch, model = all_rows()["dcgan"].batch(), new("dcgan")
    model.generator.trainable = False
    model.compile(seed=1)
    slots = len(model.optimizers["generator"].variables)
    first = values(model.variables_of("generator"))
    fit(model, 1, batch)
    kept = [v for v in model.generator.weights if "moving" not in v.path]
    assert [v.path for v in kept] == [v.path for v in model.variables_of("generator")]
    assert_equal(values(kept), first)
    model.generator.trainable = True
    fit(model, 1, batch)
    assert len(model.optimizers["generator"].variables) == slots == 2 + 2 * len(model.variables_of("generator"))
    assert not np.array_equal(kept[0].numpy(), first[0])


def test_a_list_says_exactly_what_is_frozen():
    model = kerazoo.create("dcgan", **TINY)
    model.generator.trainable = False
    model.generator.layers[-2].trainable = True  # Keras still freezes all below the generator
    kernel = model.discriminator.trainable_variables[0]
    kernel.trainable = False
    entries = model.frozen_layers()
    assert entries == ["generator", "not generator/conv2d_transpose_1", "discriminator/conv2d/kernel"]
    other = kerazoo.create("dcgan", **TINY)
    other.trainable = False
    assert other.frozen_layers() == ["."]
    other.freeze_layers(entries)
    assert flags(other) == flags(model)
    other.freeze_layers([])
    assert flags(other) == flags(kerazoo.create("dcgan", **TINY))


def test_trainable_false_freezes_the_layers_too(tmp_path):
    model = kerazoo.create("vae", trainable=False)
    assert model.encoder.trainable_variables == []
    model.save_preset(tmp_path / "still")
    loaded = kerazoo.load(tmp_path / "still")
    assert flags(loaded) == flags(model)
    loaded.trainable = True
    assert flags(type(model).from_config(loaded.get_config())) == flags(loaded)


def test_each_rbm_of_a_stack_can_be_frozen():
    batch, model = all_rows()["dbn"].batch(), new("dbn")
    model.rbm_2.trainable = False
    model.compile(seed=0)
    before = {name: values(getattr(model, name).weights) for name in ("rbm_1", "rbm_2")}
    for stage in ("rbm_1", "rbm_2", "classifier"):
        model.begin_stage(stage)
        fit(model, 1, batch)
    assert_equal(values(model.rbm_2.weights), before["rbm_2"])
    assert not np.array_equal(values(model.rbm_1.weights)[0], before["rbm_1"][0])


def test_fresh_weights_are_never_frozen(tmp_path):
    model = kerazoo.create("dcgan", **TINY)
    model.discriminator.trainable = False
    model.save_preset(tmp_path / "mine")
    for fresh in (kerazoo.create(tmp_path / "mine"), kerazoo.load(tmp_path / "mine", weights=None)):
        assert fresh.frozen_layers() == []


def test_what_a_class_freezes_itself_can_be_unfrozen(tmp_path):
    class Still(kerazoo.models.gans.dcgan.DCGAN):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.discriminator.trainable = False

    model = Still(**TINY)
    assert "frozen_layers" not in model.get_config()
    model.discriminator.trainable = True
    assert model.get_config()["frozen_layers"] == []
    assert Still.from_config(model.get_config()).frozen_layers() == []


def test_a_part_that_is_not_there():
    config = kerazoo.create("dcgan", **TINY).get_config() | {"frozen_layers": ["encoder"]}
    with pytest.raises(ConfigError, match=r"^frozen: DCGAN has no part 'encoder'; its parts are .*generator"):
        kerazoo.models.gans.dcgan.DCGAN.from_config(config)
