"""Features of a model written for use elsewhere: numbers, a map, TensorBoard's projector."""

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from sklearn.decomposition import PCA
from tensorboard.plugins.projector import ProjectorConfig

from kerazoo.cli import main
from kerazoo.data import from_arrays, open_source
from kerazoo.tasks.embedding import encode, plane, write_embedding
from kerazoo.utils.errors import ConfigError, OutputError
from kerazoo.utils.images import as_float_array
from tests.zoo_rows import new


def test_features_labels_and_a_map_of_the_same_examples(tmp_path):
    model, source = new("vae"), open_source("digits", image_shape=(16, 16, 1))
    table, picture, folder = write_embedding(model, source, tmp_path / "codes", num=30, seed=1)
    assert [path.name for path in (table, picture, folder)] == ["codes.npz", "codes.png", "codes-projector"]
    rows, found = source.sample(30, seed=1), np.load(table)
    np.testing.assert_array_equal(found["labels"], rows["label"])
    np.testing.assert_allclose(found["features"], model.encode(rows["image"])["mean"], atol=1e-6)
    np.testing.assert_allclose(np.abs(found["plane"]), np.abs(PCA(2).fit_transform(found["features"])), atol=1e-4)
    assert Image.open(picture).size == (600, 500)


def test_the_projector_has_a_row_a_label_and_a_picture_for_each_example(tmp_path):
    model, source = new("vae"), open_source("digits", image_shape=(16, 16, 1))
    table, _, folder = write_embedding(model, source, tmp_path / "codes", num=11)
    (embedding,) = text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig()).embeddings
    np.testing.assert_allclose(np.loadtxt(folder / embedding.tensor_path), np.load(table)["features"], rtol=1e-4)
    labels = (folder / embedding.metadata_path).read_text().split()
    assert labels == [str(label) for label in np.load(table)["labels"]]
    sprite, expected = np.array(Image.open(folder / embedding.sprite.image_path)), source.sample(11, seed=0)["image"]
    assert (sprite.shape, list(embedding.sprite.single_image_dim)) == ((64, 64), [16, 16])
    assert (
        np.abs(sprite[16:32, 32:48].astype(int) - 255 * as_float_array(expected)[6, :, :, 0]).max() <= 1
    )  # row 1, column 2


def test_features_of_two_numbers_are_their_own_map_and_more_go_through_tsne():
    rng = np.random.default_rng(0)
    two = rng.normal(size=(5, 2))
    np.testing.assert_allclose(plane(two), two.astype("float32"))
    np.testing.assert_allclose(plane(two[:, :1])[:, 1], 0)
    clusters = np.repeat(10 * rng.normal(size=(2, 5)), 20, axis=0) + rng.normal(size=(40, 5))
    flat = plane(clusters, method="tsne", seed=0)
    inner = [np.linalg.norm(part - part.mean(axis=0), axis=1).max() for part in (flat[:20], flat[20:])]
    assert np.linalg.norm(flat[:20].mean(axis=0) - flat[20:].mean(axis=0)) > max(inner)


def test_a_model_may_name_another_verb():
    images = open_source("digits", image_shape=(16, 16, 1)).sample(4, seed=0)["image"]
    np.testing.assert_array_equal(encode(new("dcgan"), images), new("dcgan").features(images))


def test_unlabelled_points_have_features_too(tmp_path):
    points = np.random.default_rng(0).normal(size=(12, 2)).astype("float32")
    table, _, folder = write_embedding(new("real_nvp@points"), from_arrays({"points": points}), tmp_path / "codes.npz")
    assert set(np.load(table).files) == {"features", "plane"}
    assert sorted(path.name for path in folder.iterdir()) == ["features.tsv", "projector_config.pbtxt"]


def test_what_cannot_be_done_is_one_line_and_leaves_nothing(tmp_path):
    source = open_source("digits", image_shape=(16, 16, 1))
    for options, message in (({"method": "umap"}, "pca or tsne"), ({"num": 2}, "at least three"), ({"num": 0}, "num")):
        with pytest.raises(ConfigError, match=message):
            write_embedding(new("dcgan"), source, tmp_path / "codes", **options)
    with pytest.raises(ConfigError, match="npz"):
        write_embedding(new("dcgan"), source, tmp_path / "codes.csv")
    with pytest.raises(ConfigError, match="wgan_gp makes no features"):
        write_embedding(new("wgan_gp"), source, tmp_path / "codes")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "codes.png").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        write_embedding(new("dcgan"), source, tmp_path / "codes", num=5)
    assert [path.name for path in tmp_path.iterdir()] == ["codes.png"]


def test_the_command(tmp_path, capsys):
    arguments = ["embed", "autoencoder", "--data", "digits", "--split", "train", "--num", "20", "--method", "tsne"]
    assert main([*arguments, "--out", str(tmp_path / "codes")]) == 0
    assert capsys.readouterr().out.count("wrote") == 3
    assert np.load(tmp_path / "codes.npz")["features"].shape == (20, 32)
    assert main([*arguments, "--out", str(tmp_path / "codes")]) == 1
    assert "overwrite" in capsys.readouterr().err
