// Files chosen or dropped, each sent by `send` (sending.js, which comes before this).
// Python gives: url, maxBytes, labels; token, or null when only named files are taken; byName, tokens by file name, and
// byStem, tokens by file name without its ending, both in lower case.
// Python receives the state `uploaded`: [{name, modified, session_id, job_id, duplicate, ...}].
const VIDEO = /\.(mp4|m4v|mov|mkv|webm|avi|3gp|ts|mpe?g|wmv|flv|ogv)$/i;
const states = new WeakMap();

function tokenFor(data, name) {
  const plain = name.normalize("NFC").toLowerCase();
  return data.byName[plain] ?? data.byStem[plain.replace(/\.[^.]*$/, "")] ?? data.token;
}

async function take(state, files) {
  const list = state.root.querySelector("ul"), { labels } = state.data;
  const waiting = [...files].map((file) => ({ file, view: row(list, file, state.data) }));
  for (const { view } of waiting) view.say(labels.waiting);
  for (const { file, view } of waiting) {
    const refuse = (text) => { view.stop.remove(); view.say(text, "failed"); };
    if (!file.type.startsWith("video/") && !VIDEO.test(file.name)) {
      refuse(labels.noVideo);
    } else if (!tokenFor(state.data, file.name)) {
      refuse(labels.unnamed);
    } else {
      state.queue = state.queue.then(() => send(state, file, view, () => tokenFor(state.data, file.name)));
    }
  }
}

export default function (component) {
  const root = component.parentElement;
  let state = states.get(root);
  if (!state) {
    state = { root, uploaded: [], queue: Promise.resolve() };
    states.set(root, state);
    const input = root.querySelector("input");
    const zone = root.querySelector(".zone");
    input.onchange = () => { take(state, input.files); input.value = ""; };
    for (const kind of ["dragenter", "dragover"]) {
      zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.add("over"); });
    }
    for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => { event.preventDefault(); take(state, event.dataTransfer.files); });
  }
  state.data = component.data;
  label(root, state.data.labels);
  state.report = (value) => component.setStateValue("uploaded", value);
}
