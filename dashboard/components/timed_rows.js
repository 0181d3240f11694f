// Rows that belong to times: a click on a row, or on a time in it, is sent to Python. Text is set as text only.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const head = parentElement.querySelector(".head");
  const list = parentElement.querySelector("ol");
  list.ariaLabel = data.label;
  for (const part of [head, list]) part.style.setProperty("--columns", data.columns);
  const shown = JSON.stringify([data.head, data.rows]);
  if (list.dataset.shown !== shown) {  // what has not changed keeps its place and its focus
    list.dataset.shown = shown;
    head.replaceChildren(...data.head.map((text) => span(text)));
    list.replaceChildren(...data.rows.map((row) => line(row)));
  }
  list.onclick = (event) => {
    const target = event.target.closest("[data-time]");
    if (target) setTriggerValue("chosen", Number(target.dataset.time));
  };
  data.rows.forEach((row, i) => {
    const now = data.now >= row.time - 1e-6 && data.now <= row.end + 1e-6;
    now ? list.children[i].setAttribute("aria-current", "true") : list.children[i].removeAttribute("aria-current");
  });
}

function line(row) {
  const item = document.createElement("li");
  item.dataset.time = row.time;
  item.append(...row.cells.map((cell) => {
    const box = cell.time === null ? span(cell.text) : button(cell);
    if (cell.muted) box.className = "muted";
    if (cell.colour) {
      const mark = document.createElement("i");
      mark.style.background = cell.colour;
      box.prepend(mark);
    }
    return box;
  }));
  return item;
}

function span(text) {
  const box = document.createElement("span");
  box.textContent = text;
  return box;
}

function button(cell) {
  const box = document.createElement("span");
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = cell.text;
  element.dataset.time = cell.time;
  box.append(element);
  return box;
}
