// One control an input, by its kind: {element, read(): the value of one row, quick: whether to run at every change,
// save(): what a link holds of it, restore(saved), ready: a promise that it shows its example}.

const SLIDERS = 12;
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

// Whether a request gives rows of this input. A signature that cannot be batched as a whole may have such inputs, too.
export const batched = ({ shape }) => shape.length > 0 && shape[0] === null;

export function makeInput(name, about, run, complain) {
  const make = { latents, images, text, seed: number, number, points: latents }[about.kind] || json;
  const { body, read, save, restore, quick = false, ready = Promise.resolve() } = make(name, about, run, complain);
  const legend = element("legend", {}, name + (about.about ? `: ${about.about}` : ""));
  return { element: element("fieldset", {}, legend, ...body), read, save, restore, quick, ready };
}

// A standard normal number, by Box and Muller.
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

// What draws a number of the range that an input tells of; two digits, so that a link holds all of them.
function drawer(range) {
  const draw = { "uniform on [-1, 1)": () => 2 * Math.random() - 1, "uniform on [0, 1)": Math.random, "in [0, 1]": () => Math.round(Math.random()), "standard normal": normal }[range];
  return draw && (() => Math.round(100 * draw()) / 100);
}

function latents(name, { shape, about = "" }, run) {
  const bound = about.startsWith("uniform") ? 1 : 3, draw = drawer(about) || drawer("standard normal");
  const values = new Array(shape[1]).fill(0);
  const sliders = values.slice(0, SLIDERS).map((_, index) => {
    const slider = element("input", { type: "range", min: -bound, max: bound, step: 0.01, value: 0, id: `${name}_${index}` });
    const shown = element("output", {}, "0.00");
    const show = () => { shown.textContent = Number(slider.value).toFixed(2); };
    slider.addEventListener("input", () => { values[index] = Number(slider.value); show(); run(); });
    return { row: element("div", { className: "slider" }, element("label", { htmlFor: slider.id }, `${index}`), slider, shown), slider, show };
  });
  if (!sliders.length) throw new Error(`${name} has no dimension`);
  const set = (make) => {
    values.forEach((_, index) => { values[index] = make(index); });
    sliders.forEach(({ slider, show }, index) => { slider.value = values[index]; show(); });
  };
  const restore = (saved) => {
    if (!Array.isArray(saved) || saved.length !== values.length) throw new Error(`${values.length} numbers are expected`);
    set((index) => Number(saved[index]));
  };
  const random = element("button", { type: "button", id: `${name}_random`, onclick: () => { set(draw); run(); } }, "Random");
  const zero = element("button", { type: "button", onclick: () => { set(() => 0); run(); } }, "Zero");
  const more = shape[1] > SLIDERS ? [element("p", {}, `and ${shape[1] - SLIDERS} more, which Random sets too`)] : [];
  set(draw);
  return { body: [random, zero, ...sliders.map(({ row }) => row), ...more], read: () => values, save: () => [...values], restore, quick: true };
}

function images(name, { shape: [, height, width, channels], example }, run, complain) {
  const canvas = element("canvas", { width, height, className: "pad", id: `${name}_pad`, role: "img", ariaLabel: `${name}: a pad to draw on, ${width} by ${height} pixels` });
  canvas.style.width = `${Math.max(width, 196)}px`;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const clear = () => { context.fillStyle = "#000"; context.fillRect(0, 0, width, height); };
  const stroke = (...points) => {
    Object.assign(context, { strokeStyle: "#fff", lineWidth: Math.max(1, width / 12), lineCap: "round" });
    context.beginPath();
    context.moveTo(...points[0]);
    points.slice(1).forEach((point) => context.lineTo(...point));
    context.stroke();
  };
  // An element and not `createImageBitmap`, which takes no data: URL without a request.
  const load = (url) => new Promise((resolve, reject) => {
    const picture = new Image();
    picture.onload = () => { clear(); context.drawImage(picture, 0, 0, width, height); resolve(); };
    picture.onerror = () => reject(new Error("no picture that this browser can read"));
    picture.src = url;
  });
  const restore = async (saved) => {
    if (!String(saved).startsWith("data:image/")) throw new Error("no picture");
    await load(saved);
  };
  clear();
  if (!example) stroke([0.3 * width, 0.25 * height], [0.7 * width, 0.25 * height], [0.42 * width, 0.8 * height]); // a seven
  let last = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => { last = place(event); canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const now = place(event);
    stroke(last, now);
    last = now;
  });
  canvas.addEventListener("pointerup", () => { last = null; run(); });
  const file = element("input", { type: "file", accept: "image/*", "ariaLabel": `${name} from a file` });
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    const [chosen] = file.files, url = URL.createObjectURL(chosen);
    try {
      await load(url);
      run();
    } catch (error) {
      complain(`${name}: ${chosen.name} is ${error.message}; choose a PNG or JPEG file`);
    } finally {
      URL.revokeObjectURL(url);
      file.value = ""; // so that the same file, mended, is noticed
    }
  });
  const read = () => {
    const { data } = context.getImageData(0, 0, width, height);
    const pixel = (index) => {
      const [r, g, b] = data.slice(4 * index, 4 * index + 3);
      return channels === 1 ? [(0.299 * r + 0.587 * g + 0.114 * b) / 255] : [r / 255, g / 255, b / 255];
    };
    return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => pixel(y * width + x)));
  };
  const button = element("button", { type: "button", onclick: () => { clear(); run(); } }, "Clear");
  return { body: [element("p", {}, "Draw here, or choose a picture."), canvas, element("div", {}, button, file)], read, save: () => canvas.toDataURL(), restore, ready: example ? restore(example) : undefined };
}

function text(name, { example = "" }) {
  const area = element("textarea", { id: name, value: example, spellcheck: false, ariaLabel: name });
  return { body: [area], read: () => area.value, ...saving(area) };
}

function number(name, { dtype, minimum, maximum, example = 0 }) {
  const field = element("input", { type: "number", id: name, value: example, step: dtype.startsWith("float") ? "any" : 1, required: true, ariaLabel: name });
  if (minimum !== undefined) field.min = minimum;
  if (maximum !== undefined) field.max = maximum;
  return { body: [field], read: () => Number(field.value), ...saving(field) };
}

// Of a field that is saved as the text in it.
const saving = (field) => ({ save: () => field.value, restore: (saved) => { field.value = String(saved); } });

function json(name, about) {
  const sides = batched(about) ? about.shape.slice(1) : about.shape;
  const area = element("textarea", { id: name, spellcheck: false, ariaLabel: name });
  const draw = drawer(about.about) || (() => 0);
  const fill = (rest) => (rest.length ? Array.from({ length: rest[0] ?? 4 }, () => fill(rest.slice(1))) : draw());
  area.value = JSON.stringify(about.example ?? fill(sides));
  return { body: [element("p", {}, `${about.dtype}, one row, as JSON`), area], read: () => JSON.parse(area.value), ...saving(area) };
}
