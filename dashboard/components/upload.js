// Sends each chosen file by one PUT straight to the upload route, so that no byte passes through Streamlit.
// Python gives: url, token, maxBytes, maxWords. Python receives the state `uploaded`: [{name, session_id, job_id, ...}].
const VIDEO = /\.(mp4|m4v|mov|mkv|webm|avi|3gp|ts|mpe?g|wmv|flv|ogv)$/i;
const states = new WeakMap();

function size(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let i = 0;
  while (bytes >= 1000 && i < 3) { bytes /= 1000; i += 1; }
  return `${bytes.toFixed(i && bytes < 10 ? 1 : 0)} ${units[i]}`;
}

function row(list, file) {
  const item = document.createElement("li");
  item.innerHTML = '<div class="line"><span class="name"></span><span class="state" role="status"></span>' +
    '<button type="button" class="stop">Stop</button></div><progress max="1" value="0"></progress>';
  item.querySelector(".name").textContent = `${file.name} (${size(file.size)})`;
  item.querySelector("progress").setAttribute("aria-label", `Upload of ${file.name}`);
  list.prepend(item);
  const say = (words, kind = "") => { item.querySelector(".state").textContent = words; item.className = kind; };
  return { item, say, bar: item.querySelector("progress"), stop: item.querySelector(".stop") };
}

function send(state, file, view) {
  return new Promise((resolve) => {
    const { data } = state;
    const end = (words, kind) => { view.stop.remove(); view.say(words, kind); resolve(); };
    if (!file.size) return end("This file is empty; choose another one.", "failed");
    if (file.size > data.maxBytes) return end(`This file is larger than the ${data.maxWords} that may be uploaded.`, "failed");
    const request = new XMLHttpRequest();
    request.open("PUT", `${data.url}?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-Upload-Token", data.token);
    request.upload.onprogress = (event) => {
      const share = event.loaded / Math.max(event.total, 1);
      view.bar.value = share;
      view.say(share < 1 ? `${Math.floor(share * 100)} %` : "Checking the recording…");
    };
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { answer = {}; }
      if (request.status >= 200 && request.status < 300 && answer.session_id) {
        view.bar.value = 1;
        state.uploaded.push({ name: file.name, modified: file.lastModified, ...answer });
        state.report([...state.uploaded]);
        return end(answer.duplicate ? "Already there: this recording was uploaded before." : "Uploaded", "done");
      }
      end(answer.error || `The server refused the upload (status ${request.status}); try again.`, "failed");
    };
    request.onerror = () => end("The connection was lost during the upload; choose the file again.", "failed");
    request.onabort = () => end("Stopped; nothing of it was kept.", "failed");
    view.stop.onclick = () => request.abort();
    request.send(file);
  });
}

async function take(state, files) {
  const list = state.root.querySelector("ul");
  const waiting = [...files].map((file) => ({ file, view: row(list, file) }));
  for (const { view } of waiting) view.say("Waiting");
  for (const { file, view } of waiting) {
    if (!file.type.startsWith("video/") && !VIDEO.test(file.name)) {
      view.stop.remove();
      view.say("This is not a video file; choose MP4, MOV, MKV, WebM or AVI.", "failed");
      continue;
    }
    state.queue = state.queue.then(() => send(state, file, view));
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
  root.querySelector("small").textContent = `MP4, MOV, MKV, WebM or AVI, at most ${component.data.maxWords} each`;
  state.report = (value) => component.setStateValue("uploaded", value);
}
