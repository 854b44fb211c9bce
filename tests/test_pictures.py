"""Pictures: the suffix decides the format, the same picture is the same file, and a wrong one leaves nothing behind."""

import re

import numpy as np
import pytest
from PIL import Image

from kerazoo.tasks import write_samples
from kerazoo.tasks.formats import picture_file, save_picture, text_file
from kerazoo.tasks.grids import image_grid, save_png, write_gif, write_grid
from kerazoo.tasks.plots import attention_maps, loss_plot, scatter_plot
from kerazoo.utils.errors import ConfigError, DataError, OutputError

IMAGES = np.random.default_rng(0).random((6, 8, 8, 1), "float32")
BEGINNINGS = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}


def maps():
    weights = np.full((2, 3), 1 / 3)
    return [(weights, ["a", "b", "<end>"], ["c", "<end>"])] * 2


WRITERS = {
    "grid": lambda path, **options: write_grid(IMAGES, path, **options),
    "scatter": lambda path, **options: scatter_plot(np.eye(2), path, **options),
    "maps": lambda path, **options: attention_maps(maps(), path, **options),
    "losses": lambda path, **options: loss_plot({"step": [1, 2], "loss": [2.0, 1.0]}, path, **options),
}


@pytest.mark.parametrize("suffix", ["", *BEGINNINGS, ".PDF"])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_the_suffix_decides(tmp_path, write, suffix):
    first = write(tmp_path / f"rate-0.5{suffix}")
    assert first.name == f"rate-0.5{suffix or '.png'}"
    assert first.read_bytes().startswith(BEGINNINGS[first.suffix.lower()])
    again = write(str(tmp_path / f"again{suffix}"))
    assert again.read_bytes() == first.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(OutputError, match="exists already"):
        write(first)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".gif"])
def test_other_formats_are_refused(tmp_path, write, suffix):
    with pytest.raises(ConfigError, match=re.escape(f"a{suffix}: pictures are written as .png, .pdf, .svg")):
        write(tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def svg_size(file):
    return float(re.search(r'width="([0-9.]+)pt"', file.read_text())[1])


@pytest.mark.parametrize("write", [WRITERS["scatter"], WRITERS["maps"], WRITERS["losses"]])
def test_a_scaled_plot_is_larger_in_every_format(tmp_path, write):
    once, twice = (Image.open(write(tmp_path / f"{scale}.png", scale=scale)).size for scale in (1, 2))
    assert twice == (2 * once[0], 2 * once[1])
    assert svg_size(write(tmp_path / "2.svg", scale=2)) == 2 * svg_size(write(tmp_path / "1.svg"))


def test_a_scaled_grid_has_larger_pixels(tmp_path):
    picture = Image.open(write_grid(IMAGES, tmp_path / "grid", scale=3, columns=6))
    assert picture.size == (6 * (24 + 2) + 2, 24 + 4)
    pixels = np.asarray(picture)[2:26, 2:26]
    np.testing.assert_array_equal(pixels[::3, ::3], np.round(IMAGES[0, ..., 0] * 255))
    np.testing.assert_array_equal(pixels[::3], pixels[2::3])
    with pytest.raises(ConfigError, match="scale = 0: an integer of at least 1"):
        write_grid(IMAGES, tmp_path / "none", scale=0)


def test_a_grid_in_a_pdf_has_every_pixel_without_loss(tmp_path):
    picture = image_grid(IMAGES, scale=1)
    content = save_picture(picture, tmp_path / "grid.pdf").read_bytes()
    width, height = picture.size
    assert f"/MediaBox [ 0 0 {width} {height} ]".encode() in content
    assert b"DCTDecode" not in content  # no JPEG
    embedded = re.search(rb"/Width (\d+).*?/Height (\d+)|/Height (\d+).*?/Width (\d+)", content, re.DOTALL)
    assert sorted(int(size) for size in embedded.groups() if size) == sorted((width, height))


def test_old_names_stay(tmp_path):
    import kerazoo

    kerazoo.pictures.save_png(kerazoo.pictures.image_grid(IMAGES), tmp_path / "old.png")
    assert (tmp_path / "old.png").read_bytes() == write_grid(IMAGES, tmp_path / "new").read_bytes()


def test_names_of_texts_and_pictures(tmp_path):
    assert text_file(tmp_path / "v1.5").name == "v1.5.txt"
    assert text_file(tmp_path / "a.SVG").name == "a.txt"
    assert picture_file("v1.5").name == "v1.5.png"
    assert picture_file("a.txt").name == "a.png"  # the picture that goes with a text


def test_an_animation_shows_each_picture_in_order(tmp_path):
    files = [write_grid(np.full((1, 8, 8, 1), i / 3), tmp_path / f"epoch-{i}") for i in range(4)]
    animation = write_gif((file for file in files), tmp_path / "epochs", seconds=0.1)
    assert animation.name == "epochs.gif"
    with Image.open(animation) as gif:
        assert (gif.n_frames, gif.info["duration"], gif.info["loop"]) == (4, 100, 0)
        for i in range(4):
            gif.seek(i)
            assert gif.convert("RGB").getpixel((20, 20)) == pytest.approx((85 * i,) * 3, abs=2)


def test_animations_that_cannot_be(tmp_path):
    small, large = (write_grid(IMAGES, tmp_path / str(scale), scale=scale) for scale in (1, 2))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for pictures, error, message in [
        ([], DataError, "at least one picture"),
        ([small, large], DataError, r"2.png has 56x38 pixels and .*1.png 32x22"),
        ([small, tmp_path / "broken.png"], DataError, "broken.png: cannot be read as a picture"),
        ([tmp_path / "missing.png"], DataError, "missing.png: cannot be read as a picture .No such file"),
    ]:
        with pytest.raises(error, match=message):
            write_gif(pictures, tmp_path / "none.gif")
    with pytest.raises(ConfigError, match=r"seconds = 0: a number of at least 0\.02"):
        write_gif([small], tmp_path / "none.gif", seconds=0)
    assert not (tmp_path / "none.gif").exists()


def test_a_plot_of_losses_takes_the_texts_of_a_log(tmp_path):
    numbers = {"epoch": [1, 2, 3], "seconds": [9, 9, 9], "loss": [3.0, None, 1.0]}
    texts = {name: ["" if value is None else str(value) for value in column] for name, column in numbers.items()}
    pictures = [loss_plot(columns, tmp_path / f"{i}.svg") for i, columns in enumerate((numbers, texts))]
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    for columns, message in [
        ({"step": [1], "seconds": [2]}, "no losses to draw among the columns step, seconds"),
        ({"loss": []}, "no losses to draw"),
        ({"step": [1], "loss": [1, 2]}, "differ in length .step has 1, loss has 2."),
        ({"loss": ["high"]}, "column 'loss' holds something else than numbers"),
    ]:
        with pytest.raises(DataError, match=message):
            loss_plot(columns, tmp_path / "none")


def test_options_that_a_task_does_not_have(tmp_path):
    class Writer:
        task = "text-generation"

    with pytest.raises(ConfigError, match="samples of text-generation have no option 'scale'; they have num, seed"):
        write_samples(Writer(), tmp_path / "text", scale=2)


def test_png_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def save(picture, path, **_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(OutputError, match="no space is left"):
        save_png(Image.new("RGB", (2, 2)), tmp_path / "new" / "a.png")
    assert not list(tmp_path.iterdir())


def test_png_is_as_small_as_it_goes_without_loss(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    for pixels, mode in ((colours, "RGB"), (np.repeat(colours[..., :1], 3, axis=2), "L")):
        for picture in (Image.fromarray(pixels), Image.fromarray(pixels).convert("RGBA")):
            save_png(picture, tmp_path / "a.png", overwrite=True)
            with Image.open(tmp_path / "a.png") as found:
                assert found.mode == mode
                np.testing.assert_array_equal(np.asarray(found.convert("RGB")), pixels)
