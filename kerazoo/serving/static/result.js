// What can be taken away from an answer: its numbers, its pictures, and a link to the state of the page that gave it.

const get = (id) => document.getElementById(id);
let shown = null;

// The state that the address names behind its "#": {model, signature, inputs}, as far as it names one.
export function stateOfLink() {
  const { inputs, ...state } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  return inputs ? { ...state, inputs: JSON.parse(inputs) } : state;
}

export function showResult({ model, name }, saved, text, canvases) {
  shown = { name: `${model}_${name}`, text, canvases: [...canvases] };
  const hash = `#${new URLSearchParams({ model, signature: name, inputs: JSON.stringify(saved) })}`;
  history.replaceState(null, "", hash); // no entry of its own for every touch of a slider
  get("link").href = hash;
  get("png").hidden = !shown.canvases.length;
  get("result").hidden = false;
}

export function hideResult() {
  shown = null;
  get("result").hidden = true;
}

function download(blob, ending) {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: url, download: `${shown.name}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // the browser begins to read it a little later
}

// All pictures as one, in rows.
function together(canvases) {
  const columns = Math.ceil(Math.sqrt(canvases.length)), [{ width, height }] = canvases;
  const all = document.createElement("canvas"), context = all.getContext("2d");
  Object.assign(all, { width: columns * width, height: Math.ceil(canvases.length / columns) * height });
  canvases.forEach((canvas, index) => context.drawImage(canvas, (index % columns) * width, Math.floor(index / columns) * height));
  return all;
}

get("json").addEventListener("click", () => download(new Blob([shown.text], { type: "application/json" }), "json"));
get("png").addEventListener("click", () => together(shown.canvases).toBlob((blob) => download(blob, "png")));
