// The camera: preview, recording, a look at what was recorded, then the upload by `send` (sending.js, before this).
// Python gives: url, maxBytes, labels, token. Python receives the state `uploaded`, as from the drop zone.
const KINDS = ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"];
const BITS_PER_SECOND = 2_500_000;
const WISH = { video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } } };
const REFUSALS = ["NotAllowedError", "NotFoundError", "NotReadableError"];
const cameras = new WeakMap();

function clock(seconds) {
  const whole = Math.floor(seconds), two = (n) => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60, hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function fileName(date, kind) {
  const two = (n) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
  return `camera-${day}-${time}.${kind.startsWith("video/mp4") ? "mp4" : "webm"}`;
}

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
  if (state.recorder?.state === "recording") state.recorder.stop();
  for (const track of state.stream?.getTracks() ?? []) track.stop();
  state.stream = null;
  state.video.srcObject = null;
  clearInterval(state.ticking);
}

function start(state) {
  const kind = KINDS.find((one) => MediaRecorder.isTypeSupported(one)) ?? "";
  const parts = [];
  const recorder = new MediaRecorder(state.stream, { ...(kind && { mimeType: kind }), videoBitsPerSecond: BITS_PER_SECOND });
  const began = new Date();
  let bytes = 0;
  recorder.ondataavailable = (event) => {
    parts.push(event.data);
    bytes += event.data.size;
    if (bytes > state.data.maxBytes && recorder.state === "recording") recorder.stop();
  };
  recorder.onstop = () => review(state, new File(parts, fileName(began, recorder.mimeType), {
    type: recorder.mimeType.split(";")[0], lastModified: began.getTime(),
  }));
  recorder.onerror = () => { if (recorder.state === "recording") recorder.stop(); };
  for (const track of state.stream.getTracks()) track.onended = () => { if (recorder.state === "recording") recorder.stop(); };
  state.recorder = recorder;
  recorder.start(1000);
  const elapsed = () => { state.clock.textContent = clock((Date.now() - began.getTime()) / 1000); };
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
    const press = { ".open": open, ".start": start, ".halt": (s) => s.recorder.stop(), ".use": use, ".discard": again };
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
