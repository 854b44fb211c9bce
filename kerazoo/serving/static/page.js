// The page: choose a model and a signature, fill in its inputs, see what it gives.
import { batched, makeInput } from "./inputs.js";
import { showOutputs } from "./outputs.js";
import { hideResult, showResult, stateOfLink } from "./result.js";

const get = (id) => document.getElementById(id);
const [modelList, signatureList, form, message, outputs] = ["model", "signature", "inputs", "message", "outputs"].map(get);
const PATIENCE = 300; // ms; answers to a slider that come sooner need no word of running, which would only flicker
let served = {}, current = null;

// The server writes NaN and Infinity, which JSON.parse does not read: null stands for the one, 1e999 is the other.
const NUMBERS = { NaN: "null", Infinity: "1e999" };
const parse = (text) => JSON.parse(text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|NaN|Infinity/g, (token) => NUMBERS[token] ?? token));

async function ask(path, body, signal) {
  const answer = await fetch(path, body && { method: "POST", body: JSON.stringify(body), signal });
  const text = await answer.text(), content = parse(text);
  if (!answer.ok) throw new Error(content.error || `${answer.status} ${answer.statusText}`);
  return { ...content, text };
}

function say(text, failed = false) {
  message.textContent = text;
  message.className = failed ? "error" : "";
}

function fill(list, names) {
  list.replaceChildren(...names.map((name) => new Option(name, name)));
}

async function loadModels() {
  const { models } = await ask("/v1/models");
  for (const { name, versions } of models) {
    // Versions without metadata.json were not written by kerazoo, and nothing is known of their inputs.
    const known = versions.filter((one) => one.state === "AVAILABLE" && one.metadata?.signatures);
    if (known.length) served[name] = known.reduce((a, b) => (Number(a.version) > Number(b.version) ? a : b)).metadata;
  }
  fill(modelList, Object.keys(served));
  if (!Object.keys(served).length) return say("No exported model is served here yet: kerazoo export dcgan --out models/dcgan");
  await openLink();
}

// The state that the address asks for, or the first model's first signature.
async function openLink() {
  try {
    const { model = modelList.value, inputs = {}, signature = opening(served[model], inputs) } = stateOfLink();
    if (!Object.hasOwn(served, model) || !Object.hasOwn(served[model].signatures, signature)) throw new Error(`${[model, signature].filter(Boolean).join(", ")}: not served here`);
    modelList.value = model;
    showModel();
    signatureList.value = signature;
    await chooseSignature(inputs);
  } catch (error) {
    chooseModel(false);
    say(`This link cannot be opened: ${error.message}`, true);
  }
}

// The signature that the preset's own inputs are for; inputs of a link are for the default one, and exports of earlier
// versions do not say.
const opening = (metadata, inputs = {}) =>
  (Object.keys(inputs).length ? null : metadata?.page_signature) ?? metadata?.default_signature;

function showModel() {
  const metadata = served[modelList.value];
  fill(signatureList, Object.keys(metadata.signatures));
  signatureList.value = opening(metadata);
  get("about").textContent = `${metadata.preset || metadata.architecture}, ${metadata.task.replaceAll("-", " ")}, ` +
    `${metadata.parameters.toLocaleString("en")} parameters`;
}

function chooseModel(running = true) {
  showModel();
  return chooseSignature({}, running);
}

// Everything that belongs to one choice of model and signature; a later choice puts another one in its place. It begins
// with an answer: to what is saved of its inputs, and to their examples.
async function chooseSignature(saved = {}, running = true) {
  if (current) leave(current);
  const model = modelList.value, name = signatureList.value, signature = served[model].signatures[name];
  const button = Object.assign(document.createElement("button"), { id: "run", textContent: "Run" });
  const made = { model, name, signature, button, inputs: {}, running: false, waiting: false, aborter: new AbortController() };
  const complain = (text) => { if (made === current) say(text, true); };
  for (const [key, about] of Object.entries(signature.inputs)) made.inputs[key] = makeInput(key, about, () => run(made), complain);
  made.live = Object.values(made.inputs).every(({ quick }) => quick);
  current = made;
  form.replaceChildren(...Object.values(made.inputs).map(({ element }) => element), button);
  outputs.replaceChildren();
  hideResult();
  say("");
  for (const [key, input] of Object.entries(made.inputs)) {
    try {
      await input.ready;
      if (Object.hasOwn(saved, key)) await input.restore(saved[key]);
    } catch (error) {
      if (made === current) throw new Error(`${key}: ${error.message}`);
    }
  }
  if (running) await run(made);
}

function leave(choice) {
  choice.aborter.abort();
  setBusy(choice, false);
}

function setBusy(choice, busy) {
  outputs.ariaBusy = String(busy);
  clearTimeout(choice.timer);
  if (choice.live) {
    if (busy) choice.timer = setTimeout(say, PATIENCE, "running ...");
    return;
  }
  // Not `disabled`, which would take the keyboard's focus away.
  choice.button.ariaDisabled = String(busy);
  choice.button.textContent = busy ? "Running ..." : "Run";
  if (busy) say("running ...");
}

// One request at a time: while it runs, the newest settings wait and older ones are dropped.
async function run(choice) {
  if (choice !== current) return;
  choice.waiting = choice.running;
  if (choice.running) return;
  choice.running = true;
  setBusy(choice, true);
  const said = await answerOnce(choice);
  choice.running = false;
  if (choice !== current) return;
  if (choice.waiting) return run(choice);
  setBusy(choice, false);
  say(...said);
}

// Ask, and show the answer unless another choice was made meanwhile; returns what to say of it.
async function answerOnce(choice) {
  const began = performance.now();
  try {
    const saved = Object.fromEntries(Object.entries(choice.inputs).map(([key, input]) => [key, input.save()]));
    const body = { signature_name: choice.name, inputs: readInputs(choice) };
    const { outputs: answer, text } = await ask(`/v1/models/${encodeURIComponent(choice.model)}:predict`, body, choice.aborter.signal);
    if (choice === current) {
      showOutputs(outputs, named(answer, choice.signature), choice.signature.outputs);
      showResult(choice, saved, text, outputs.querySelectorAll("canvas.picture"));
    }
    return [`${(performance.now() - began).toFixed(0)} ms`];
  } catch (error) {
    if (choice === current) { // an older answer below an error would look like its cause
      hideResult();
      outputs.replaceChildren();
    }
    return [error.message, true];
  }
}

function readInputs({ inputs, signature }) {
  const read = ([name, input]) => {
    try {
      const value = input.read();
      return [name, batched(signature.inputs[name]) ? [value] : value];
    } catch (error) {
      throw new Error(`${name}: ${error.message}`);
    }
  };
  return Object.fromEntries(Object.entries(inputs).map(read));
}

// A single output comes without its name.
function named(answer, signature) {
  const names = Object.keys(signature.outputs);
  return names.length === 1 ? { [names[0]]: answer } : answer;
}

modelList.addEventListener("change", () => chooseModel());
signatureList.addEventListener("change", () => chooseSignature());
window.addEventListener("hashchange", openLink);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (current.live || !current.running) run(current);
});
loadModels().catch((error) => say(error.message, true));
