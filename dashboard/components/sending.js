// Shared by the components that upload: one PUT straight to the upload route, so that no byte passes through Streamlit.
// `state` has `root` (the component's element), `data` (url, maxBytes, maxWords, ...), `uploaded` and `report`.
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

// Resolves to true when the recording is kept. `token`: a function, as a token may be renewed while a file waits.
function send(state, file, view, token) {
  return new Promise((resolve) => {
    const { data } = state;
    const end = (words, kind) => { view.stop.remove(); view.say(words, kind); resolve(kind === "done"); };
    if (!file.size) return end("This file is empty; choose another one.", "failed");
    if (file.size > data.maxBytes) return end(`This file is larger than the ${data.maxWords} that may be uploaded.`, "failed");
    const request = new XMLHttpRequest();
    request.open("PUT", `${data.url}?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-Upload-Token", token());
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
