// Shared by the components that upload: one PUT straight to the upload route, so that no byte passes through Streamlit.
// `state` has `root` (the component's element), `data` (url, maxBytes, words and what `told` goes by), `uploaded` and
// `report`.
// `words`: what is said, by name, in the viewer's language.

// A sentence with what its names in braces stand for.
function said(words, values) {
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// A sentence of the server in the viewer's language: `sentences` are [pattern, names of its groups, those between
// quotation marks, translation], `mark` is the decimal mark, one over `longest` stays. As `told` in dashboard/i18n/beneath.py.
function told(sentence, data) {
  if (sentence.length > data.longest) return sentence;
  for (const [pattern, names, quoted, words] of data.sentences) {
    const found = sentence.match(new RegExp(`^${pattern}$`, "s"));
    if (!found) continue;
    const filledIn = (value) => /^-?\d+\.\d+( \w+)?$/.test(value) ? value.replace(".", data.mark) : told(value, data);
    const values = names.map((name, i) => [name, quoted.includes(name) ? found[i + 1] : filledIn(found[i + 1])]);
    return said(words, Object.fromEntries(values));
  }
  return sentence;
}

// Put the words where the component's HTML names them.
function label(root, words) {
  for (const part of root.querySelectorAll("[data-say]")) part.textContent = words[part.dataset.say];
  for (const part of root.querySelectorAll("[data-label]")) part.ariaLabel = words[part.dataset.label];
}

function size(bytes, mark) {
  const units = ["B", "KB", "MB", "GB"];
  let i = 0;
  while (bytes >= 1000 && i < 3) { bytes /= 1000; i += 1; }
  return `${bytes.toFixed(i && bytes < 10 ? 1 : 0).replace(".", mark)} ${units[i]}`;
}

function row(list, file, { words, mark }) {
  const item = document.createElement("li");
  item.innerHTML = '<div class="line"><span class="name"></span><span class="state" role="status"></span>' +
    '<button type="button" class="stop"></button></div><progress max="1" value="0"></progress>';
  item.querySelector(".name").textContent = `${file.name} (${size(file.size, mark)})`;
  item.querySelector(".stop").textContent = words.stop;
  item.querySelector("progress").setAttribute("aria-label", said(words.upload, { file: file.name }));
  list.prepend(item);
  const say = (text, kind = "") => { item.querySelector(".state").textContent = text; item.className = kind; };
  return { item, say, bar: item.querySelector("progress"), stop: item.querySelector(".stop") };
}

// Resolves to true when the recording is kept. `token`: a function, as a token may be renewed while a file waits.
function send(state, file, view, token) {
  return new Promise((resolve) => {
    const { data } = state, { words } = data;
    const end = (text, kind) => { view.stop.remove(); view.say(text, kind); resolve(kind === "done"); };
    if (!file.size) return end(words.empty, "failed");
    if (file.size > data.maxBytes) return end(words.large, "failed");
    const request = new XMLHttpRequest();
    request.open("PUT", `${data.url}?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-Upload-Token", token());
    request.upload.onprogress = (event) => {
      const share = event.loaded / Math.max(event.total, 1);
      view.bar.value = share;
      view.say(share < 1 ? `${Math.floor(share * 100)} %` : words.checking);
    };
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { answer = {}; }
      if (request.status >= 200 && request.status < 300 && answer.session_id) {
        view.bar.value = 1;
        state.uploaded.push({ name: file.name, modified: file.lastModified, ...answer });
        state.report([...state.uploaded]);
        return end(answer.duplicate ? words.there : words.done, "done");
      }
      const refused = said(words.refused, { status: request.status });
      end(answer.error ? told(answer.error, data) : refused, "failed");
    };
    request.onerror = () => end(words.lost, "failed");
    request.onabort = () => end(words.stopped, "failed");
    view.stop.onclick = () => request.abort();
    request.send(file);
  });
}
