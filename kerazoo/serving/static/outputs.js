// What a model gives, shown by its shape: pictures, class bars, points, attention maps, texts, or plain numbers.

const FEW = 24, FIRST = 12; // so many numbers are shown as they are; of more, the first ones
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

export function showOutputs(place, found, described) {
  const parts = [];
  if (found.attention && found.source && found.target) {
    found.attention.forEach((weights, row) => {
      const heads = Array.isArray(weights[0][0]) ? weights : [weights];
      heads.forEach((head) => parts.push(attentionMap(head, found.source[row], found.target[row])));
    });
  } else {
    for (const [name, about] of Object.entries(described)) parts.push(...show(name, found[name], about));
  }
  place.replaceChildren(...parts);
}

function show(name, value, { shape, dtype }) {
  const channels = shape[shape.length - 1];
  if (shape.length === 4 && (channels === 1 || channels === 3)) return pictures(name, value, channels);
  if (name === "probabilities" && shape.length === 2 && channels <= 20) return value.map(bars);
  if (shape.length === 3 && ["sequence", "probabilities"].includes(name)) return pictures(name, value.map(roll), 1);
  if (name === "points" && channels === 2) return [scatter(name, value)];
  if (dtype === "string") return [value].flat(Infinity).map((text) => element("pre", {}, text || "(empty)"));
  return numbers(name, value);
}

// Steps of numbers in [0, 1] as a picture, such as a piano roll: time from left to right, the first number at the bottom.
const roll = (steps) => steps[0].map((_, place) => steps.map((step) => [1 - step[step.length - 1 - place]]));

function labelledCanvas(label, width, height) {
  return element("canvas", { width, height, className: "picture", role: "img", ariaLabel: label });
}

function pictures(name, images, channels) {
  return images.map((image, index) => {
    const height = image.length, width = image[0].length;
    const canvas = labelledCanvas(`${name}, ${index + 1} of ${images.length}`, width, height);
    canvas.style.width = `${Math.max(width, 168)}px`;
    paint(canvas.getContext("2d"), image, channels);
    return canvas;
  });
}

function paint(context, image, channels) {
  const pixels = context.createImageData(image[0].length, image.length);
  image.flat().forEach((pixel, index) => {
    const byte = (channel) => Math.round(255 * pixel[channels === 1 ? 0 : channel]);
    pixels.data.set([byte(0), byte(1), byte(2), 255], 4 * index);
  });
  context.putImageData(pixels, 0, 0);
}

function bars(probabilities) {
  const best = Math.max(...probabilities);
  return element("div", { className: "bars" }, ...probabilities.map((value, index) => {
    const label = element(value === best ? "strong" : "span", {}, String(index));
    const meter = element("meter", { min: 0, max: 1, value, ariaLabel: `class ${index}` });
    return element("div", { className: "bar" }, label, meter, value.toFixed(3));
  }));
}

function scatter(name, points) {
  const size = 360, canvas = labelledCanvas(`${name}: ${points.length} of them in the plane`, size, size);
  const context = canvas.getContext("2d"), bound = 1.1 * Math.max(...points.flat().map(Math.abs), 1);
  context.fillStyle = "#1f77b4";
  for (const [x, y] of points) context.fillRect(((x / bound + 1) * size) / 2 - 2, ((1 - y / bound) * size) / 2 - 2, 4, 4);
  return canvas;
}

function attentionMap(weights, source, target) {
  const used = (words) => words.filter((word) => word !== "");
  const head = element("tr", {}, element("td"), ...used(source).map((word) => element("th", { scope: "col" }, word)));
  const rows = used(target).map((word, i) => element("tr", {}, element("th", { scope: "row" }, word),
    ...used(source).map((from, j) => {
      const cell = element("td", { title: `${word} from ${from}: ${weights[i][j].toFixed(3)}` });
      cell.style.background = `rgba(31, 119, 180, ${weights[i][j]})`;
      return cell;
    })));
  const table = element("table", { className: "map" }, element("thead", {}, head), element("tbody", {}, ...rows));
  // The keyboard can scroll it, too.
  return element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "attention of each word to the source" }, table);
}

// Few numbers as they are; of many the sizes and the first ones, and all of them on request only: they may be 100,000.
function numbers(name, value) {
  const flat = [value].flat(Infinity), head = `${name}${sizes(value)}`;
  if (flat.length <= FEW) return [element("pre", {}, `${head}: ${write(value)}`)];
  const all = element("pre");
  const details = element("details", {}, element("summary", {}, `all ${flat.length.toLocaleString("en")} numbers`), all);
  details.addEventListener("toggle", () => { all.textContent ||= write(value); });
  return [element("pre", {}, `${head}: ${flat.slice(0, FIRST).map(write).join(", ")}, ...`), details];
}

function sizes(value) {
  const sides = [];
  for (let part = value; Array.isArray(part); part = part[0]) sides.push(part.length);
  return sides.length ? ` (${sides.join(" x ")})` : "";
}

function write(value) {
  if (Array.isArray(value)) return `[${value.map(write).join(", ")}]`;
  if (value === null) return "NaN";
  return typeof value === "number" ? String(Number(value.toPrecision(5))) : String(value);
}
