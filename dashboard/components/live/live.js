// The camera's picture with what is measured in it. sending.js, recording.js, line.js and drawing.js come before this.
// Python gives: door, url, maxBytes, labels, emotions ([{name, label, colour}]), language, token (null: nothing may be
// kept), subject and consent for a picture's caption. Python receives the states `uploaded`, as from the drop zone, and
// `picture`: when a picture was kept last.
const WISH = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const SENT_SIDE = 640;
const QUALITY = 0.85;
const SHARP = 2;
const SLOW_MS = 1000;
const TICK_MS = 500;
const REFUSALS = ["NotAllowedError", "NotFoundError", "NotReadableError"];
const LOCK = "fer-phq-live";
const FIGURES = ["pitch", "yaw", "roll", "gaze"];
const lives = new WeakMap();

// stage: off, starting, on; the style sheet shows the buttons of each.
function show(state, stage, text = "") {
  state.stage = stage;
  state.root.querySelector(".live").dataset.stage = stage;
  say(state, text);
}

// One sentence at a time, and only when it is another one: a screen reader reads it.
function say(state, text) {
  const place = state.root.querySelector(".say");
  if (place.textContent !== text) place.textContent = text;
}

function refusal(state) {
  const { labels } = state.data;
  if (!window.isSecureContext) return labels.insecure;
  if (!navigator.mediaDevices?.getUserMedia || !navigator.locks || !window.WebSocket) return labels.old;
  return "";
}

// Resolves to what gives the lock back; to null where another tab of this browser has it.
function lockTab() {
  return new Promise((resolve) => {
    navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (
      lock ? new Promise((release) => resolve(release)) : resolve(null)
    ));
  });
}

async function turnOn(state) {
  const { labels } = state.data;
  const reason = refusal(state);
  if (reason) return show(state, "off", reason);
  show(state, "starting", labels.waitingForCamera);
  const release = await lockTab();
  if (!release) return show(state, "off", labels.otherTab);
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: WISH });
    Object.assign(state, { stream, release });
  } catch (error) {
    release();
    return show(state, "off", labels[REFUSALS.includes(error.name) ? error.name : "otherError"]);
  }
  if (state.gone) return turnOff(state);
  measure(state);
}

// Show what the camera sees, and send it.
function measure(state) {
  state.video.srcObject = state.stream;
  state.video.play().catch(() => {});
  const [track] = state.stream.getVideoTracks();
  track.addEventListener("ended", () => turnOff(state, state.data.labels.unplugged));
  const address = new URL(state.data.door, window.location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  state.line = new Line(address.href, {
    answer: (result, picture) => answer(state, result, picture),
    state: (name, sentence) => lineState(state, name, sentence),
  });
  state.ticking = setInterval(() => tick(state), TICK_MS);
  show(state, "on", state.data.labels.connecting);
  nextFrame(state);
}

function turnOff(state, text = "") {
  clearInterval(state.ticking);
  state.line?.close();
  state.line = null;
  state.recorder?.halt();
  for (const track of state.stream?.getTracks() ?? []) track.stop();
  state.stream = null;
  state.video.srcObject = null;
  state.release?.();
  state.release = null;
  clear(state);
  if (!state.gone) show(state, "off", text);
}

function nextFrame(state) {
  const { stream } = state;
  const again = (now, about) => {
    if (!stream || state.stream !== stream) return;
    frame(state, now, about);
    nextFrame(state);
  };
  if (state.video.requestVideoFrameCallback) state.video.requestVideoFrameCallback(again);
  else requestAnimationFrame(again);
}

// The moment at which the camera took a picture, in the page's milliseconds, where the browser says it.
function takenAt(now, about) {
  const at = about?.captureTime;
  return at > now - 1000 && at <= now ? at : now;
}

function frame(state, now, about) {
  const { video, line } = state;
  if (!line || !video.videoWidth || !line.wants(performance.now()) || state.encoding) return;
  const scale = Math.min(1, SENT_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  const picture = { canvas, taken: takenAt(now, about) };
  state.encoding = true;
  canvas.toBlob((blob) => {
    state.encoding = false;
    if (blob && state.line === line) line.send(blob, picture);
  }, "image/jpeg", QUALITY);
}

function percent(state, share) {
  return share.toLocaleString(state.data.language, { style: "percent", maximumFractionDigits: 0 });
}

function strongest(state, face) {
  const first = state.data.emotions.reduce((a, b) => (face.emotions[b.name] > face.emotions[a.name] ? b : a));
  return `${first.label} ${percent(state, face.emotions[first.name])}`;
}

function layers(state) {
  const boxes = [...state.root.querySelectorAll("[data-layer]")];
  return Object.fromEntries(boxes.map((box) => [box.dataset.layer, box.checked]));
}

function answer(state, result, picture) {
  const { labels } = state.data;
  if (result.problem) return say(state, result.problem.detail ?? labels.otherError);
  if (!picture) return;
  state.last = { result, picture, at: new Date() };
  const { canvas, context } = state;
  const { width, height } = picture.canvas;
  if (canvas.width !== width * SHARP || canvas.height !== height * SHARP) {
    canvas.width = width * SHARP;
    canvas.height = height * SHARP;
    state.root.querySelector(".stage").style.aspectRatio = `${width} / ${height}`;
  }
  context.setTransform(SHARP, 0, 0, SHARP, 0, 0);
  drawResult(context, picture.canvas, result.faces, layers(state), (face) => strongest(state, face));
  const live = state.root.querySelector(".live");
  live.dataset.shown = "yes";
  if (result.faces.some((face) => face.gaze)) live.dataset.gaze = "yes";
  figures(state, largest(result.faces));
  tellFaces(state, result.faces.length);
}

// How many faces there are is said when it stays so for a second: a face that is missed once is no news.
function tellFaces(state, count) {
  const now = performance.now();
  if (state.faces !== count) { state.faces = count; state.facesSince = now; }
  if (state.slow || (now - state.facesSince < 1000 && state.told)) return;
  state.told = true;
  const { labels } = state.data;
  say(state, count === 0 ? labels.noFace : count === 1 ? "" : fillIn(labels.faces, { n: count }));
}

function figures(state, face) {
  for (const bar of state.bars) {
    const share = face ? face.emotions[bar.name] : null;
    bar.fill.style.width = share === null ? "0" : `${share * 100}%`;
    bar.value.textContent = share === null ? "–" : percent(state, share);
    bar.meter.ariaValueNow = share === null ? "0" : share.toFixed(2);
    bar.meter.ariaValueText = bar.value.textContent;
  }
  const pose = face?.head_pose, gaze = face?.gaze;
  const degrees = (value) => (value === undefined ? "–" : `${(Math.round(value) + 0).toLocaleString(state.data.language)}°`);
  const texts = {
    pitch: degrees(pose?.pitch_deg), yaw: degrees(pose?.yaw_deg), roll: degrees(pose?.roll_deg),
    gaze: gaze ? `${degrees(gaze.pitch_deg)} / ${degrees(gaze.yaw_deg)}` : "–",
  };
  for (const name of FIGURES) state.root.querySelector(`[data-figure="${name}"]`).textContent = texts[name];
  const reasons = (face?.gaps ?? []).map((gap) => state.data.gaps[gap.code] ?? gap.detail);
  state.root.querySelector(".gaps").textContent = reasons.join(" ");
}

// What was measured is not shown any longer than it is true: the bare picture of the camera is what is left.
function clear(state) {
  state.last = null;
  state.told = false;
  state.root.querySelector(".live").dataset.shown = "no";
  figures(state, null);
  state.root.querySelector(".rate").textContent = "";
}

function lineState(state, name, sentence) {
  const { labels } = state.data;
  if (name === "open") return say(state, labels.firstAnswer);
  clear(state);
  if (name === "over") return say(state, labels.connecting);
  if (name === "unreadable") return turnOff(state, labels.unreadable);
  say(state, name === "broken" && sentence ? `${sentence} ${labels.triesAgain}` : labels[name]);
}

function tick(state) {
  if (!state.line) return;
  const { labels, language } = state.data;
  const { camera, answered, delay, silent } = state.line.figures(performance.now());
  if (silent) { clear(state); return say(state, labels.silentServer); }
  const slow = delay !== null && delay > SLOW_MS;
  if (slow) say(state, labels.slow);
  else if (state.slow) say(state, "");
  state.slow = slow;
  const number = (value) => value.toLocaleString(language, { maximumFractionDigits: 0 });
  const live = state.root.querySelector(".live");
  live.dataset.rate = answered.toFixed(1);
  live.dataset.delay = delay === null ? "" : delay.toFixed(0);
  const values = { answered: number(answered), camera: number(camera), delay: number(delay ?? 0) };
  state.root.querySelector(".rate").textContent = delay === null ? "" : fillIn(labels.rate, values);
}

// ---- what is kept

function captureStage(state, stage, text = "") {
  state.capture = stage;
  state.root.querySelector(".capture").dataset.stage = stage;
  state.root.querySelector(".kept").textContent = text;
}

async function startRecording(state) {
  const { labels } = state.data;
  if (!state.stream) return captureStage(state, "ready", labels.cameraFirst);
  if (!window.MediaRecorder) return captureStage(state, "ready", labels.noRecorder);
  captureStage(state, "starting", labels.waitingForMicrophone);
  const sound = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => null);
  const tracks = [...(state.stream?.getVideoTracks() ?? []), ...(sound?.getAudioTracks() ?? [])];
  const stop = () => { for (const track of sound?.getTracks() ?? []) track.stop(); };
  if (state.gone || !state.stream || !state.data.token) { stop(); return captureStage(state, "ready"); }
  state.recordedFor = state.data.subject;
  state.recorder = record(new MediaStream(tracks), state.data.maxBytes, (file) => { stop(); review(state, file); });
  const elapsed = () => { state.clock.textContent = clock(state.recorder.seconds()); };
  elapsed();
  state.elapsing = setInterval(elapsed, 250);
  captureStage(state, "recording", sound ? labels.recording : labels.silent);
}

function review(state, file) {
  clearInterval(state.elapsing);
  state.recorder = null;
  if (state.gone) return;
  state.file = file;
  URL.revokeObjectURL(state.address);
  state.address = URL.createObjectURL(file);
  const look = state.root.querySelector(".look");
  look.src = state.address;
  const { labels, language } = state.data, values = { length: state.clock.textContent, size: size(file.size, language) };
  captureStage(state, "review", file.size ? fillIn(labels.recorded, values) : labels.nothing);
}

function discard(state) {
  URL.revokeObjectURL(state.address);
  state.root.querySelector(".look").removeAttribute("src");
  state.file = null;
  captureStage(state, "ready");
}

// Whoever is entered after a recording was made is not its subject.
async function use(state) {
  if (state.data.subject !== state.recordedFor || !state.data.token) {
    return captureStage(state, "review", fillIn(state.data.labels.otherSubject, { subject: state.recordedFor }));
  }
  const view = row(state.root.querySelector(".uploads"), state.file, state.data);
  captureStage(state, "sending", state.data.labels.sending);
  if (await send(state, state.file, view, () => state.data.token)) return discard(state);
  captureStage(state, "review", state.data.labels.notKept);
}

// The picture with what is drawn over it, the bars as numbers, and whose it is, when, by which model, with which consent.
function captioned(state) {
  const { result, picture, at } = state.last, { labels, emotions, language, subject, consent } = state.data;
  const face = largest(result.faces);
  const { width, height } = picture.canvas;
  const share = ({ name, label: word }) => `${word} ${percent(state, face.emotions[name])}`;
  const shares = face ? emotions.map(share) : [labels.noFace];
  const lines = [
    ...shares, `${subject} · ${at.toLocaleString(language)} · ${result.model_id}`,
    fillIn(labels.consent, { by: consent }), labels.notDiagnosis,
  ];
  const canvas = document.createElement("canvas");
  canvas.width = width * SHARP;
  const context = canvas.getContext("2d");
  const rows = wrapped(context, lines, width - 20);
  canvas.height = (height + 12 + rows.length * 20) * SHARP;
  context.scale(SHARP, SHARP);
  context.fillStyle = "#111";
  context.fillRect(0, 0, width, canvas.height);
  drawResult(context, picture.canvas, result.faces, layers(state), (one) => strongest(state, one));
  context.font = "14px sans-serif";
  context.fillStyle = "#fff";
  rows.forEach((text, i) => context.fillText(text, 10, height + 20 + i * 20));
  return canvas;
}

// Words of lines joined by dots and broken where they are wider than the picture.
function wrapped(context, lines, width) {
  context.font = "14px sans-serif";
  const rows = [""];
  for (const word of lines.join(" · ").split(" ")) {
    const longer = rows.at(-1) ? `${rows.at(-1)} ${word}` : word;
    if (context.measureText(longer).width <= width) rows[rows.length - 1] = longer;
    else rows.push(word);
  }
  return rows;
}

// A kept picture is of the one person who has agreed: others in view have not, and the caption would not be of them.
function keepPicture(state) {
  const { labels, subject } = state.data;
  if (!state.last) return captureStage(state, "ready", labels.cameraFirst);
  const { length } = state.last.result.faces;
  if (length > 1) return captureStage(state, "ready", fillIn(labels.severalFaces, { n: length }));
  const stem = fileName(state.last.at, "video/webm").replace(/^camera-(.*)\.webm$/, "live-$1");
  const name = `${stem}-${subject.replace(/[^\p{L}\p{N}_-]+/gu, "_")}.png`;
  captioned(state).toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    captureStage(state, "ready", fillIn(labels.pictureKept, { file: name }));
    state.tellPicture(Date.now());
  }, "image/png");
}

function makeBars(state) {
  const list = state.root.querySelector(".bars");
  state.bars = state.data.emotions.map(({ name, label: word, colour }) => {
    const item = document.createElement("li");
    item.innerHTML = '<span class="word"></span><div role="meter" class="bar" aria-valuemin="0" aria-valuemax="1" ' +
      'aria-valuenow="0"><i></i></div><span class="value" aria-hidden="true">–</span>';
    item.querySelector(".word").textContent = word;
    const meter = item.querySelector(".bar"), fill = item.querySelector("i");
    meter.ariaLabel = word;
    fill.style.background = colour;
    list.append(item);
    return { name, meter, fill, value: item.querySelector(".value") };
  });
}

function begin(root, data) {
  const canvas = root.querySelector("canvas");
  const state = {
    root, data, canvas, context: canvas.getContext("2d"), video: root.querySelector(".camera"),
    clock: root.querySelector(".clock"), uploaded: [], stage: "off", capture: "ready",
  };
  makeBars(state);
  const press = {
    ".on": turnOn, ".off": turnOff, ".picture": keepPicture, ".start": startRecording,
    ".halt": (s) => s.recorder?.halt(), ".use": use, ".discard": discard,
  };
  for (const [name, act] of Object.entries(press)) root.querySelector(name).onclick = () => act(state);
  state.leaving = (event) => { if (["recording", "review", "sending"].includes(state.capture)) event.preventDefault(); };
  window.addEventListener("beforeunload", state.leaving);
  show(state, "off", refusal(state));
  captureStage(state, "ready");
  return state;
}

export default function (component) {
  const root = component.parentElement;
  let state = lives.get(root);
  if (!state) {
    state = begin(root, component.data);
    lives.set(root, state);
  }
  state.data = component.data;
  state.bars.forEach((bar, i) => { bar.fill.style.background = state.data.emotions[i].colour; });
  label(root, state.data.labels);
  root.querySelector(".live").dataset.may = state.data.token ? "keep" : "look";
  state.report = (value) => component.setStateValue("uploaded", value);
  state.tellPicture = (at) => component.setStateValue("picture", at);
  return () => {
    state.gone = true;
    window.removeEventListener("beforeunload", state.leaving);
    clearInterval(state.elapsing);
    URL.revokeObjectURL(state.address);
    turnOff(state);
  };
}
