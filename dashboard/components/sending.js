// Shared by the components that upload: one PUT straight to the upload route, so that no byte passes through Streamlit.
// `state` has `root` (the component's element), `data` (url, maxBytes, labels, language), `uploaded` and `report`.
// `labels`: the texts by name, in `language`, the language of the page. The server answers errors in it, too.

// A text with the values of its names in braces.
function fillIn(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// Put the labels where the component's HTML names them. Until then the style sheet hides what has no name.
function label(root, labels) {
  for (const part of root.querySelectorAll("[data-say]")) part.textContent = labels[part.dataset.say];
  for (const part of root.querySelectorAll("[data-label]")) part.ariaLabel = labels[part.dataset.label];
  for (const part of root.querySelectorAll("[data-unnamed]")) delete part.dataset.unnamed;
}

function size(bytes, language) {
  const units = ["B", "KB", "MB", "GB"];
  let i = 0;
  while (bytes >= 1000 && i < 3) { bytes /= 1000; i += 1; }
  const digits = i && bytes < 10 ? 1 : 0;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false };
  return `${bytes.toLocaleString(language, options)} ${units[i]}`;
}

function row(list, file, { labels, language }) {
  const item = document.createElement("li");
  item.innerHTML = '<div class="line"><span class="name"></span><span class="state" role="status"></span>' +
    '<button type="button" class="stop"></button></div><progress max="1" value="0"></progress>';
  item.querySelector(".name").textContent = `${file.name} (${size(file.size, language)})`;
  item.querySelector(".stop").textContent = labels.stop;
  item.querySelector("progress").setAttribute("aria-label", fillIn(labels.upload, { file: file.name }));
  list.prepend(item);
  const say = (text, kind = "") => { item.querySelector(".state").textContent = text; item.className = kind; };
  return { item, say, bar: item.querySelector("progress"), stop: item.querySelector(".stop") };
}

// Resolves to true when the recording is kept. `token`: a function, as a token may be renewed while a file waits.
function send(state, file, view, token) {
  return new Promise((resolve) => {
    const { data } = state, { labels } = data;
    const end = (text, kind) => { view.stop.remove(); view.say(text, kind); resolve(kind === "done"); };
    if (!file.size) return end(labels.empty, "failed");
    if (file.size > data.maxBytes) return end(labels.large, "failed");
    const request = new XMLHttpRequest();
    request.open("PUT", `${data.url}?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-Upload-Token", token());
    request.setRequestHeader("Accept-Language", data.language);
    request.upload.onprogress = (event) => {
      const share = event.loaded / Math.max(event.total, 1);
      view.bar.value = share;
      view.say(share < 1 ? `${Math.floor(share * 100)} %` : labels.checking);
    };
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { answer = {}; }
      if (request.status >= 200 && request.status < 300 && answer.session_id) {
        view.bar.value = 1;
        state.uploaded.push({ name: file.name, modified: file.lastModified, ...answer });
        state.report([...state.uploaded]);
        return end(answer.duplicate ? labels.there : labels.done, "done");
      }
      end(answer.error || fillIn(labels.refused, { status: request.status }), "failed");
    };
    request.onerror = () => end(labels.lost, "failed");
    request.onabort = () => end(labels.stopped, "failed");
    view.stop.onclick = () => request.abort();
    request.send(file);
  });
}
