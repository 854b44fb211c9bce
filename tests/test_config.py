"""Configuration files, `--set` items and the arguments of models and optimizers."""

import keras
import pytest

from kerazoo.base.arguments import check_arguments
from kerazoo.base.optimizers import with_overrides
from kerazoo.models.gans.dcgan import DCGAN
from kerazoo.presets.config import make_config, parse_yaml, read_config, write_config
from kerazoo.utils.errors import ConfigError

DCGAN_CONFIG = {"architecture": "dcgan"}


def message(function, *args, **kwargs):
    """The one line of the `ConfigError` that a call raises."""
    with pytest.raises(ConfigError) as caught:
        function(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestYaml:
    @pytest.mark.parametrize("text", ["1e-4", "1E-4", "+1e-4", "1.e-4", ".1e-3", "0.1e-3", "0.0001"])
    def test_every_way_to_write_a_number(self, text):
        assert parse_yaml(f"rate: {text}", "text") == {"rate": 1e-4}
        config = make_config(DCGAN_CONFIG, [f"optimizers.generator.learning_rate={text}"])
        assert config.optimizers == {"generator": {"learning_rate": 1e-4}}

    @pytest.mark.parametrize("text", ["1e", "e4", "1e-4x", "v1e4"])
    def test_names_that_look_like_numbers_stay_names(self, text):
        assert parse_yaml(f"name: {text}", "text") == {"name": text}

    def test_errors_name_file_line_and_kind(self, tmp_path):
        path = tmp_path / "config.yaml"
        path.write_text("architecture: dcgan\nmodel: [1, 2\n")
        assert message(read_config, path).startswith(f"{path}: line 3: not valid YAML")
        path.write_text("- dcgan\n")
        assert message(read_config, path) == f"{path}: a mapping with the key 'architecture' is expected, not list"
        path.write_bytes(b"\xff\xfe\x00")
        assert message(read_config, path).startswith(f"{path}: cannot be read (not UTF-8 text")
        assert "No such file" in message(read_config, tmp_path / "missing.yaml")

    def test_no_objects_are_made(self):
        assert "not valid YAML" in message(parse_yaml, "a: !!python/object/apply:os.getcwd []", "text")


class TestConfig:
    def test_round_trip_states_only_what_differs(self, tmp_path):
        values = {
            "architecture": "dcgan",
            "model": {"image_shape": [16, 16, 1]},
            "optimizers": {"generator": {"learning_rate": 1e-4}},
            "training": {"epochs": 3, "decay_start": 0.5},
        }
        config = make_config(values)
        assert write_config(config, tmp_path / "config.yaml") == []
        assert parse_yaml((tmp_path / "config.yaml").read_text(), "text") == values
        assert read_config(tmp_path / "config.yaml") == config

    def test_long_lists_stand_in_files_beside_it(self, tmp_path):
        config = make_config({"architecture": "dcgan", "model": {"words": [f"wört{i}" for i in range(40)]}})
        assert write_config(config, tmp_path / "config.yaml") == ["words.json"]
        assert "words: file:words.json" in (tmp_path / "config.yaml").read_text()
        assert read_config(tmp_path / "config.yaml") == config
        (tmp_path / "words.json").write_text("{}")
        assert message(read_config, tmp_path / "config.yaml").endswith("words.json: a JSON list is expected, not dict")
        (tmp_path / "words.json").unlink()
        assert "words.json: cannot be read as a JSON list" in message(read_config, tmp_path / "config.yaml")
        (tmp_path / "config.yaml").write_text("architecture: dcgan\nmodel: {words: file:../words.json}")
        assert "a file beside config.yaml is expected" in message(read_config, tmp_path / "config.yaml")

    def test_round_trip_with_defaults_states_everything(self, tmp_path):
        config = make_config(DCGAN_CONFIG)
        write_config(config, tmp_path / "config.yaml", defaults=True)
        resolved = parse_yaml((tmp_path / "config.yaml").read_text(), "text")
        assert resolved["training"]["batch_size"] == 128
        assert resolved["evaluation"]["num"] == 10_000
        assert make_config(resolved) == config

    def test_unknown_keys_name_the_nearest(self):
        assert message(make_config, {**DCGAN_CONFIG, "modl": {}}) == (
            "configuration: unknown key 'modl' (value {}); did you mean model?"
        )
        assert "unknown key 'training.epoch' (value 3); did you mean epochs?" in message(
            make_config, DCGAN_CONFIG, ["training.epoch=3"]
        )
        allowed = message(make_config, DCGAN_CONFIG, ["data.zzz=3"])
        keys = "source, split, augment, labels_per_class, label_seed"
        assert allowed.endswith(f"unknown key 'data.zzz' (value 3); allowed: {keys}")

    def test_missing_architecture(self):
        assert message(make_config, {"summary": "x"}) == "configuration: 'architecture' is missing"

    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            ("training.epochs=0", "training.epochs = 0: input should be greater than 0"),
            ("training.batch_size=1.5", "training.batch_size = 1.5: input should be a valid integer"),
            (
                "training.seed=2147483648",
                "training.seed = 2147483648: input should be less than or equal to 2147483647",
            ),
            ("training.seed=-1", "training.seed = -1: input should be greater than or equal to 0"),
            (
                "training.precision=float64",
                "training.precision = 'float64': input should be 'float32', 'mixed_bfloat16'",
            ),
            ("training.decay_start=1", "training.decay_start = 1: input should be less than 1"),
            ("training=3", "training = 3: input should be a valid dictionary"),
            ("optimizers.generator=SGD", "optimizers.generator = 'SGD': input should be a valid dictionary"),
        ],
    )
    def test_values_out_of_range_name_key_value_and_what_is_allowed(self, item, expected):
        assert expected in message(make_config, DCGAN_CONFIG, [item])


class TestOverrides:
    def test_later_items_win_and_the_given_mapping_stays(self):
        values = {"architecture": "dcgan", "model": {"filters": 4}}
        config = make_config(values, ["model.filters=8", "model.prior=normal", "model.filters=16"])
        assert config.model == {"filters": 16, "prior": "normal"}
        assert values == {"architecture": "dcgan", "model": {"filters": 4}}

    def test_yaml_values(self):
        items = ["model.image_shape=[16, 16, 1]", "default=true", "training.steps=null", "summary=a=b"]
        config = make_config({**DCGAN_CONFIG, "training": {"steps": 3}}, items)
        assert config.model == {"image_shape": [16, 16, 1]}
        assert (config.default, config.training.steps, config.summary) == (True, None, "a=b")

    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            ("model.filters", "key=value is expected"),
            ("=3", "key=value is expected"),
            ("model..filters=3", "key=value is expected"),
            ("model.filters=[1", "'[1' is not a YAML value"),
            ("architecture.name=3", "'architecture' is not a section"),
        ],
    )
    def test_malformed_items(self, item, expected):
        line = message(make_config, DCGAN_CONFIG, [item])
        assert line.startswith(f"--set {item}: ")
        assert expected in line


class TestModelArguments:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ({"latent_dims": 3}, "unknown key 'latent_dims' (value 3); did you mean latent_dim?"),
            ({"latent_dim": "three"}, "latent_dim = 'three': input should be a valid integer"),
            ({"latent_dim": True}, "latent_dim = True: input should be a valid integer"),
            ({"image_shape": (30, 31, 1)}, "image_shape = (30, 31, 1): a square of 16 to 128 pixels"),
            ({"image_shape": (16, 16, 4)}, "input should be 1 or 3"),
            ({"image_shape": 5}, "image_shape = 5: input should be a valid tuple"),
            ({"prior": "cauchy"}, "prior = 'cauchy': input should be 'uniform' or 'normal'"),
            ({"label_smoothing": 1.1}, "label_smoothing = 1.1: input should be less than or equal to 1"),
        ],
    )
    def test_wrong_arguments(self, arguments, expected):
        assert expected in message(check_arguments, DCGAN, arguments)
        assert message(check_arguments, DCGAN, arguments) == message(DCGAN, **arguments)

    def test_keras_arguments_belong_to_calls_and_not_to_configurations(self):
        check_arguments(DCGAN, {"name": "mine", "dtype": "mixed_bfloat16", "trainable": False})
        assert "unknown key 'dtype'" in message(check_arguments, DCGAN, {"dtype": "float32"}, keras_arguments=())


class TestOptimizerArguments:
    def test_overrides_change_a_copy_and_keep_the_rest(self):
        paper = keras.optimizers.Adam(2e-4, beta_1=0.5)
        changed = with_overrides(paper, {"learning_rate": 1e-3})
        assert float(changed.learning_rate) == pytest.approx(1e-3)
        assert changed.beta_1 == 0.5
        assert float(paper.learning_rate) == pytest.approx(2e-4)

    def test_another_class_starts_from_its_own_defaults(self):
        changed = with_overrides(keras.optimizers.Adam(2e-4), {"class": "SGD", "momentum": 0.9})
        assert isinstance(changed, keras.optimizers.SGD)
        assert changed.momentum == 0.9
        assert float(changed.learning_rate) == pytest.approx(0.01)

    @pytest.mark.parametrize(
        ("overrides", "expected"),
        [
            ({"learning_rat": 1}, "unknown optimizer argument 'learning_rat'; Adam has: learning_rate,"),
            ({"learning_rate": "abc"}, "optimizer argument learning_rate = 'abc': a number is expected"),
            ({"clipnorm": "abc"}, "optimizer argument clipnorm = 'abc': a number is expected"),
            ({"learning_rate": [1, 2]}, "optimizer Adam: Argument `learning_rate` should be float"),
            ({"class": "Adm"}, "optimizer Adm: Could not interpret optimizer identifier"),
            ({"class": 3}, "optimizer 3: "),
            ({"class": "SGD", "momentum": 7}, "optimizer SGD: `momentum` must be a float between [0, 1]"),
            ({"class": "SGD", "beta_1": 0.5}, "optimizer SGD: Argument(s) not recognized: {'beta_1': 0.5}"),
        ],
    )
    def test_wrong_overrides(self, overrides, expected):
        assert expected in message(with_overrides, keras.optimizers.Adam(), overrides)

    def test_roles_and_seeds_that_the_model_does_not_have(self):
        model = DCGAN(image_shape=(16, 16, 1), filters=4, latent_dim=8)
        assert message(model.compile, {"critic": "adam"}) == (
            "unknown role 'critic': DCGAN has discriminator, generator"
        )
        assert "optimizer= is for models of one role" in message(model.compile, optimizer="adam")
        assert message(model.compile, seed=-1) == "seed = -1: an integer from 0 to 2147483647 is expected"
