// The camera: preview, recording, a look at what was recorded, then the upload by `send`. sending.js
// and recording.js come before this.
// Python gives: url, maxBytes, labels, token. Python receives the state `uploaded`, as from the drop zone.
const WISH = { video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } } };
const REFUSALS = ["NotAllowedError", "NotFoundError", "NotReadableError"];
const cameras = new WeakMap();

// stage: off, ready, recording, review or sending; the style sheet shows the buttons of each.
function show(state, stage, text = "") {
  state.stage = stage;
  state.root.querySelector(".camera").dataset.stage = stage;
  state.root.querySelector(".say").textContent = text;
}

function preview(state) {
  state.video.src = "";
  state.video.removeAttribute("src");
  state.video.controls = false;
  state.video.muted = true;
  state.video.srcObject = state.stream;
  state.video.play().catch(() => {});
}

async function open(state) {
  const { labels } = state.data;
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
    return show(state, "off", labels.insecure);
  }
  show(state, "off", labels.waitingForCamera);
  try {
    state.stream = await openStream(state);
  } catch (error) {
    return show(state, "off", labels[REFUSALS.includes(error.name) ? error.name : "otherError"]);
  }
  if (state.gone) return close(state);
  preview(state);
  const heard = state.stream.getAudioTracks().length > 0;
  show(state, "ready", heard ? "" : labels.silent);
}

async function openStream() {
  try {
    return await navigator.mediaDevices.getUserMedia({ ...WISH, audio: true });
  } catch (error) {
    if (error.name !== "NotFoundError") throw error;
    return navigator.mediaDevices.getUserMedia(WISH);
  }
}

function close(state) {
  state.recorder?.halt();
  for (const track of state.stream?.getTracks() ?? []) track.stop();
  state.stream = null;
  state.video.srcObject = null;
  clearInterval(state.ticking);
}

function start(state) {
  state.recorder = record(state.stream, state.data.maxBytes, (file) => review(state, file));
  const elapsed = () => { state.clock.textContent = clock(state.recorder.seconds()); };
  elapsed();
  state.ticking = setInterval(elapsed, 250);
  show(state, "recording", state.data.labels.recording);
}

function review(state, file) {
  clearInterval(state.ticking);
  if (state.gone) return;
  state.file = file;
  state.video.srcObject = null;
  URL.revokeObjectURL(state.address);
  state.address = URL.createObjectURL(file);
  state.video.muted = false;
  state.video.controls = true;
  state.video.src = state.address;
  const { labels, language } = state.data, values = { length: state.clock.textContent, size: size(file.size, language) };
  show(state, "review", file.size ? fillIn(labels.recorded, values) : labels.nothing);
}

function again(state) {
  URL.revokeObjectURL(state.address);
  state.file = null;
  state.clock.textContent = clock(0);
  if (state.stream?.getVideoTracks().every((track) => track.readyState === "live")) {
    preview(state);
    return show(state, "ready");
  }
  close(state);
  show(state, "off");
}

async function use(state) {
  const view = row(state.root.querySelector("ul"), state.file, state.data);
  show(state, "sending", state.data.labels.sending);
  if (await send(state, state.file, view, () => state.data.token)) return again(state);
  show(state, "review", state.data.labels.notKept);
}

export default function (component) {
  const root = component.parentElement;
  let state = cameras.get(root);
  if (!state) {
    state = { root, uploaded: [], stage: "off", video: root.querySelector("video"), clock: root.querySelector(".clock") };
    cameras.set(root, state);
    const press = { ".open": open, ".start": start, ".halt": (s) => s.recorder.halt(), ".use": use, ".discard": again };
    for (const [name, act] of Object.entries(press)) root.querySelector(name).onclick = () => act(state);
    state.leaving = (event) => { if (["recording", "review", "sending"].includes(state.stage)) event.preventDefault(); };
    window.addEventListener("beforeunload", state.leaving);
    show(state, "off");
  }
  state.data = component.data;
  label(root, state.data.labels);
  state.report = (value) => component.setStateValue("uploaded", value);
  return () => { state.gone = true; window.removeEventListener("beforeunload", state.leaving); close(state); };
}
