"""The web page, in a real headless browser, over one tiny model for each kind of form and of answer.

Three models have most kinds: sliders, numbers, seeds, a pad and a file, texts, JSON; pictures, bars, numbers, texts,
maps. The slow tests have the others: two domains in colour, a prompt that is continued, many units, a piano roll.
"""

import base64
import contextlib
import io
import json
import shutil
from functools import partial

import numpy as np
import pytest
from PIL import Image

from kerazoo.serving import Server
from tests.zoo_rows import new

selenium = pytest.importorskip("selenium.webdriver", reason="needs selenium")
from selenium.webdriver import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

BROWSER, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver"),
    pytest.mark.xdist_group("page"),  # one browser, one server
]

# A translation and its map, a drawing and its classes, a slider a latent: the list does not grow with the zoo, whose
# signatures all go through the same forms. The others are two domains, a text continued, many latents, a piano roll.
NAMES = ["attention_seq2seq", "dbn", "dcgan"]
OTHERS = ["cyclegan", "lstm_char_lm", "rbm", "rnn"]
EACH = [*NAMES, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]

FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
FLAGS += " --disable-component-update --disable-sync --window-size=1200,900"


@contextlib.contextmanager
def opened(names, tmp_path_factory):
    """The page, over tiny models of these names."""
    folder = tmp_path_factory.mktemp("models")
    for name in names:
        model = new(name)
        model.page_inputs = EXAMPLES.get(name, {})
        model.export(folder / name / "1")
    options, service = selenium.ChromeOptions(), selenium.ChromeService(DRIVER)
    options.binary_location = BROWSER
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    downloads = tmp_path_factory.mktemp("downloads")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    with Server(folder, rest_port=0, grpc_port=None) as server, selenium.Chrome(options, service) as browser:
        browser.get(f"http://127.0.0.1:{server.rest_port}/")
        yield Page(browser, downloads)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with opened(NAMES, tmp_path_factory) as page:
        yield page


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    with opened(OTHERS, tmp_path_factory) as page:
        yield page


@pytest.fixture
def page_of(request):
    """model -> the page that has it."""
    return lambda model: request.getfixturevalue("page" if model in NAMES else "others")


def picture(*levels):
    """A data: URL of a 16x16 picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB" if len(levels) > 1 else "L", (16, 16), levels if len(levels) > 1 else levels[0]).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


# What presets say that forms begin with.
EXAMPLES = {
    "attention_seq2seq": {"text": "d a b"},
    "dbn": {"encode.images": picture(255)},
    "dcgan": {"num_samples": 5},
    "cyclegan": {"images": picture(255, 0, 0), "translate_b_to_a.images": picture(0, 0, 255)},
    "lstm_char_lm": {"text": "ab", "num_characters": 30},
}

# Holds requests until they are answered; notes what they send. A held one takes no notice of being aborted, so that its
# answer arrives late whatever the page does with it; all of that are microtasks, done when the next task begins.
HOLD = """
const sent = [], held = [], real = window.fetch;
window.fetch = (path, { signal, body }) => {
  sent.push(JSON.parse(body).inputs);
  return new Promise((resolve) => held.push({ signal, resolve }));
};
const answer = (text, done) => { held.shift().resolve({ ok: true, text: async () => text }); setTimeout(done); };
window.holding = { sent, held, answer, stop: () => { window.fetch = real; } };
"""


@pytest.fixture
def hold(page):
    """Hold the page's requests; gives the function that answers the oldest one with a JSON text."""
    page.choose("dbn")
    page.js(HOLD)
    yield lambda text: page.browser.execute_async_script("holding.answer(...arguments)", text)
    page.js("holding.stop()")


class Page:
    def __init__(self, browser, downloads):
        self.browser, self.js, self.downloads = browser, browser.execute_script, downloads
        self.one = partial(browser.find_element, By.CSS_SELECTOR)
        self.all = partial(browser.find_elements, By.CSS_SELECTOR)
        self.address = browser.current_url.partition("#")[0]
        self.wait(lambda: self.all("#model option"))

    def wait(self, condition):
        return WebDriverWait(self.browser, 30, poll_frequency=0.05).until(lambda _: condition())

    def choose(self, model, signature=None):
        """Choose, and wait for the answer that the page begins with."""
        self.start(model, signature)
        self.wait(lambda: not self.state()[1] and self.state()[0])

    def start(self, model, signature=None):
        Select(self.one("#model")).select_by_value(model)
        if signature:
            Select(self.one("#signature")).select_by_value(signature)

    def open(self, address):
        """Open an address in an empty page, and wait for its answer."""
        self.browser.get("about:blank")
        self.browser.get(address)
        self.wait(lambda: self.all("#model option") and not self.state()[1] and self.state()[0])

    def downloaded(self, button, name):
        self.one(button).click()
        self.wait((self.downloads / name).exists)
        content = (self.downloads / name).read_bytes()
        (self.downloads / name).unlink()
        return content

    def write(self, name, text):
        self.one(f"#{name}").clear()
        self.one(f"#{name}").send_keys(text)

    def slide(self, value):
        self.js("z_0.value = arguments[0]; z_0.dispatchEvent(new Event('input'))", value)

    def state(self):
        """(what it says, whether the answer is marked as busy)."""
        return self.one("#message").text, self.one("#outputs").get_attribute("aria-busy") == "true"

    def run(self):
        """Press the button and wait for the answer; returns the message."""
        self.js("message.textContent = ''")
        self.one("#run").click()
        return self.wait(lambda: not self.state()[1] and self.state()[0])

    def pixels(self):
        return self.wait(lambda: self.js("return document.querySelector('canvas.picture')?.toDataURL()"))

    def too_wide(self):
        """The widths, of a telephone and of a screen, where it must be scrolled sideways."""
        found = []
        for width in (390, 1280):  # a window itself cannot be that narrow
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            self.wait(lambda width=width: self.js("return window.innerWidth") == width)
            found += [width] * self.js("return document.documentElement.scrollWidth > window.innerWidth")
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        return found


def test_the_page_offers_every_model(page):
    page.choose("dcgan")
    assert [option.text for option in page.all("#model option")] == NAMES
    assert "image generation" in page.one("#about").text


@pytest.mark.parametrize("model", EACH)
def test_every_signature_answers_and_fits_the_screen(page_of, model):
    page = page_of(model)
    page.choose(model)
    for signature in [option.text for option in page.all("#signature option")]:
        page.choose(model, signature)
        assert page.run().endswith(" ms"), signature
        assert page.all("#outputs > *"), signature
        names = [canvas.accessible_name for canvas in page.all("canvas[role=img]")]
        assert len({*names} - {""}) == len(page.all("canvas")), signature
        assert page.too_wide() == [], signature


@pytest.mark.parametrize("model", EACH)
def test_the_page_opens_with_an_answer(page_of, model):
    page = page_of(model)
    page.open(page.address)
    assert page.one("#model").get_property("value") == page.one("#model option").text
    assert page.all("#outputs > *")
    page.choose(model)
    assert page.state()[0].endswith(" ms")
    assert page.all("#outputs > *")


@pytest.mark.parametrize(
    ("model", "signature"),
    [
        ("attention_seq2seq", "translate"),
        ("dbn", "classify"),  # the first, as no input is for all signatures that have one of its name
        ("dcgan", "sample"),
        pytest.param("lstm_char_lm", "generate", marks=pytest.mark.slow),
        pytest.param("rbm", "reconstruct", marks=pytest.mark.slow),
    ],
)
def test_a_model_opens_with_the_signature_that_its_preset_has_inputs_for(page_of, model, signature):
    page = page_of(model)
    page.choose(model)
    assert page.one("#signature").get_property("value") == signature


# What the pad holds in its middle, and whether anything is drawn on it.
COLOUR = "return [...document.querySelector('canvas.pad').getContext('2d').getImageData(5, 5, 1, 1).data]"
DRAWN = """
const context = document.querySelector('canvas.pad').getContext('2d');
return context.getImageData(0, 0, 16, 16).data.filter((value, i) => i % 4 < 3 && value > 200).length;
"""


def test_forms_begin_with_the_preset_s_examples(page):
    page.choose("dcgan", "sample")
    assert len(page.all("#outputs canvas")) == 5
    page.choose("attention_seq2seq", "attend")
    assert [cell.text for cell in page.all("table.map thead th[scope=col]")] == ["d", "a", "b", "</s>"]
    page.choose("dbn", "sample")  # of which its preset says nothing
    assert len(page.all("#outputs canvas")) == 16
    page.choose("dbn", "encode")
    assert page.js(COLOUR) == [255, 255, 255, 255]
    page.choose("dbn", "classify")  # without any, something is drawn
    assert 0 < page.js(DRAWN) < 3 * 16 * 16


@pytest.mark.slow
def test_forms_of_other_models_begin_with_their_examples(others):
    others.choose("lstm_char_lm", "generate")
    assert len(others.one("#outputs pre").text) == 2 + 30
    others.choose("rbm", "sample")  # whose preset says nothing
    assert len(others.all("#outputs canvas")) == 16
    for signature, expected in (
        ("translate", [255, 0, 0, 255]),
        ("cycle_b_to_a", [255, 0, 0, 255]),
        ("translate_b_to_a", [0, 0, 255, 255]),
    ):
        others.choose("cyclegan", signature)
        assert others.js(COLOUR) == expected


def test_a_file_that_is_no_picture_is_named(page, tmp_path):
    page.choose("dbn", "classify")
    before = page.one("#outputs").text
    upload = page.one("input[type=file]")
    for name, content in (
        ("notes.txt", b"no picture"),
        ("half.png", base64.b64decode(picture(9)[22:])[:40]),
        ("e.jpg", b""),
    ):
        (tmp_path / name).write_bytes(content)
        upload.send_keys(str(tmp_path / name))
        message = f"images: {name} is no picture that this browser can read; choose a PNG or JPEG file"
        page.wait(lambda message=message: page.state()[0] == message)
        assert page.one("#message").get_attribute("class") == "error"
        assert page.one("#outputs").text == before
    Image.new("L", (40, 20), 255).save(tmp_path / "white.png")
    upload.send_keys(str(tmp_path / "white.png"))
    page.wait(lambda: page.state()[0].endswith(" ms"))
    assert page.one("#message").get_attribute("class") == ""


def test_an_answer_can_be_downloaded(page):
    page.choose("dcgan", "sample")
    images = np.array(json.loads(page.downloaded("#json", "dcgan_sample.json"))["outputs"])
    assert images.shape == (5, 16, 16, 1)
    shown = np.array(Image.open(io.BytesIO(page.downloaded("#png", "dcgan_sample.png"))).convert("L"))
    assert shown.shape == (32, 48)  # rows of three
    expected = np.round(255 * images[4, :, :, 0])
    assert np.abs(shown[16:, 16:32] - expected).max() <= 1
    page.choose("dbn", "classify")
    assert not page.one("#png").is_displayed()
    assert set(json.loads(page.downloaded("#json", "dbn_classify.json"))) == {"outputs"}


@pytest.mark.parametrize(
    ("model", "signature", "change"),
    [
        ("dcgan", "generate", "z_random.click()"),
        ("dbn", "classify", "document.querySelector('fieldset button').click()"),
        ("dbn", "sample", "seed.value = 7; num_samples.value = 2; run.click()"),
        ("attention_seq2seq", "score", "text.value = 'e & \"d\"'; target.value = 'w'; run.click()"),
        ("attention_seq2seq", "score_tokens", "source.value = '[8, 7, 5]'; run.click()"),
        pytest.param(
            *("lstm_char_lm", "generate", "text.value = 'cab & \"ba\"'.slice(0, 3); seed.value = 7; run.click()"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("rbm", "decode", "z.value = JSON.stringify(JSON.parse(z.value).map((_, i) => i % 3 / 2)); run.click()"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_link_gives_the_same_answer(page_of, model, signature, change):
    page = page_of(model)
    page.choose(model, signature)
    before = page.downloaded("#json", f"{model}_{signature}.json")
    page.js("message.textContent = ''")
    page.js(change)
    page.wait(lambda: not page.state()[1] and page.state()[0])
    changed, address = page.downloaded("#json", f"{model}_{signature}.json"), page.one("#link").get_attribute("href")
    assert changed != before
    assert page.browser.current_url == address
    page.open(address)
    assert page.one("#signature").get_property("value") == signature
    assert page.downloaded("#json", f"{model}_{signature}.json") == changed


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("#model=nobody", "nobody: not served here"),
        ("#model=dcgan&signature=constructor", "dcgan, constructor: not served here"),
        ("#model=dcgan&inputs={", "JSON"),
        ('#model=dcgan&inputs={"z":[1]}', "z: 5 numbers are expected"),
        ('#model=dbn&inputs={"images":"https://example.com/x.png"}', "images: no picture"),
    ],
)
def test_a_link_that_names_nothing_here(page, link, reason):
    page.open(page.address + link)
    text, _ = page.state()
    assert text.startswith("This link cannot be opened: ")
    assert reason in text
    page.open(page.address)


def test_a_slider_of_a_latent_dimension_changes_the_picture(page):
    page.choose("dcgan", "generate")
    assert len(page.all("input[type=range]")) == 5
    # Answers that come soon need no word of running, which would flicker.
    assert page.js("signature.dispatchEvent(new Event('change')); return message.textContent") == ""
    before = page.pixels()
    assert page.one("canvas").accessible_name == "images, 1 of 1"
    page.slide(-1 if float(page.one("#z_0").get_property("value")) > 0 else 1)
    page.wait(lambda: page.pixels() != before)


def test_random_latents_change_every_slider(page):
    page.choose("dcgan", "generate")
    read = "return [...document.querySelectorAll('input[type=range]')].map((slider) => slider.value)"
    page.js("Math.random = () => 0.3")  # chance might draw a slider's own value again
    page.one("#z_random").click()
    before = page.js(read)
    page.js("Math.random = () => 0.6")
    page.one("#z_random").click()
    assert all(a != b for a, b in zip(before, page.js(read), strict=True))


@pytest.mark.slow
def test_a_prompt_is_continued(others):
    others.choose("lstm_char_lm", "generate")
    others.write("text", "abcab")
    others.write("num_characters", "400")
    assert "ms" in others.run()
    text = others.one("#outputs pre").text
    assert text.startswith("abcab")
    assert len(text) == 5 + 400
    assert others.too_wide() == []  # though there is no space in it


@pytest.mark.slow
def test_a_sequence_is_drawn_as_a_piano_roll(others):
    others.start("rnn")
    assert others.pixels().startswith("data:image/png")
    canvas = others.one("canvas.picture")
    assert (canvas.get_attribute("width"), canvas.get_attribute("height")) == ("64", "5")


@pytest.mark.parametrize(
    ("model", "signature", "field", "content", "words"),
    [
        ("attention_seq2seq", "score_tokens", "source", "[99]", "tokens: at most 8 is expected, not [99]"),
        pytest.param(
            *("lstm_char_lm", "generate", "text", "xyz", "unknown characters; the model knows"), marks=pytest.mark.slow
        ),
    ],
)
def test_the_server_s_own_words_tell_what_is_wrong(page_of, model, signature, field, content, words):
    page = page_of(model)
    page.choose(model, signature)
    page.write(field, content)
    assert words in page.run()
    assert page.one("#message").get_attribute("class") == "error"


def test_a_translation_and_its_attention_map(page):
    page.choose("attention_seq2seq", "attend")
    page.write("text", " ".join("abcde" * 6))
    assert "ms" in page.run()
    assert [cell.text for cell in page.all("table.map thead th[scope=col]")] == [*"abcde" * 6, "</s>"]
    assert page.all("table.map tbody td[title]")
    assert page.js("const map = document.querySelector('.scroll'); return map.scrollWidth > map.clientWidth")
    assert page.too_wide() == []


def test_many_numbers_are_shown_on_request(page):
    page.choose("dcgan", "features")
    page.run()
    first, rest = page.all("#outputs pre")
    assert first.text.startswith("features (1 x 192): ")
    assert first.text.count(",") == 12
    assert not rest.is_displayed()
    page.one("#outputs summary").click()
    page.wait(lambda: rest.text.count(",") == 191)
    assert page.too_wide() == []


def test_a_request_that_runs_says_so(page, hold):
    page.start("attention_seq2seq", "score")
    page.wait(lambda: page.js("return holding.held.length") == 2 and page.state() == ("running ...", True))
    hold('{"outputs": ["of the signature that the model began with"]}')
    button = page.one("#run")
    assert (button.text, button.get_attribute("aria-disabled")) == ("Running ...", "true")
    button.click()
    assert page.js("return holding.sent.length") == 2
    hold('{"outputs": [NaN, -Infinity, 1.5]}')  # as the server writes them
    assert page.one("#outputs").text == "nats (3): [NaN, -Infinity, 1.5]"
    assert (button.text, button.get_attribute("aria-disabled"), page.state()[1]) == ("Run", "false", False)


def test_a_late_answer_is_not_shown_under_another_model(page, hold):
    page.start("dcgan")
    page.wait(lambda: page.js("return holding.held.length") == 1)
    page.start("attention_seq2seq")  # which does not wait for the first
    page.wait(lambda: page.js("return holding.held.length") == 2)
    assert page.js("return holding.held[0].signal.aborted")
    hold('{"outputs": ["too late"]}')
    assert (page.one("#outputs").text, *page.state()) == ("", "running ...", True)
    hold('{"outputs": ["its own"]}')
    assert page.one("#outputs").text == "its own"


def test_of_a_moving_slider_only_the_newest_settings_wait(page, hold):
    page.start("dcgan", "generate")
    page.wait(lambda: page.js("return holding.held.length") == 2)
    hold('{"outputs": ["of the signature that the model began with"]}')
    for value in (0.25, 0.5, 0.75):
        page.slide(value)
    page.wait(lambda: page.state() == ("running ...", True))  # not said at once, but this answer takes its time
    black, white = (f'{{"outputs": {[[[[level]] * 16] * 16]}}}' for level in (0, 1))
    hold(black)
    first = page.pixels()
    assert [inputs["z"][0][0] for inputs in page.js("return holding.sent")[2:]] == [0.75]
    assert page.state() == ("running ...", True)
    hold(white)
    assert page.pixels() != first
    assert (page.js("return holding.sent.length"), page.state()[1]) == (3, False)


def test_a_drawing_is_classified(page):
    page.choose("dbn", "classify")
    pad = page.one("#images_pad")
    assert (pad.aria_role, pad.accessible_name) == ("image", "images: a pad to draw on, 16 by 16 pixels")
    ActionChains(page.browser).move_to_element(pad).click_and_hold().move_by_offset(40, 40).release().perform()
    # In one look: a stroke may be answered several times, each answer with bars of its own.
    texts = "return [...document.querySelectorAll('.bar')].map((bar) => bar.innerText)"
    shares = [float(text.split()[-1]) for text in page.wait(lambda: page.js(texts))]
    assert (len(shares), sum(shares)) == (3, pytest.approx(1, abs=0.01))


@pytest.mark.parametrize("pages", ["page", pytest.param("others", marks=pytest.mark.slow)])
def test_the_console_stays_clean(request, pages):
    browser = request.getfixturevalue(pages).browser
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    # The answer to what is wrong above is a 400, which the browser notes.
    assert [message for message in severe if "400 (Bad Request)" not in message] == []


@pytest.mark.parametrize("pages", ["page", pytest.param("others", marks=pytest.mark.slow)])
def test_the_page_loads_nothing_from_elsewhere(request, pages):
    page = request.getfixturevalue(pages)
    urls = page.js("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert urls
    assert all(url.startswith((page.address, "data:", "blob:")) for url in urls)
