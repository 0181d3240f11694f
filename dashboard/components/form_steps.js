// The running total of a form's radio groups; where the window is narrow, one group at a time and then the rest.
// Python gives: items and rest, keys of containers; name of the form; labels.
const NARROW = window.matchMedia("(max-width: 640px)");
const states = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  let state = states.get(root);
  if (!state) {
    state = { root, step: 0, chosen: false, answers: [], style: document.createElement("style") };
    states.set(root, state);
  }
  state.stop?.();
  if (state.name !== component.data.name) Object.assign(state, { step: 0, chosen: false });
  Object.assign(state, component.data);
  document.head.append(state.style);
  const [back, next] = root.querySelectorAll("button");
  back.textContent = state.labels.back;
  next.textContent = state.labels.next;
  back.onclick = () => go(state, state.step - 1);
  next.onclick = () => go(state, state.step + 1);
  // A finger or a digit answers and goes on; arrow keys only look through the answers.
  const pressed = () => { state.chosen = true; };
  // The page's radio buttons tell of an answer by no event, but by how they look.
  const changed = () => {
    const before = state.answers[state.step];
    draw(state);
    const now = state.answers[state.step];
    if (!(now >= 0) || before === now || !state.chosen || !NARROW.matches) return;
    state.chosen = false;
    const step = state.step + 1;
    setTimeout(() => go(state, step), 250);
  };
  const typed = (event) => { state.chosen = /^[0-3]$/.test(event.key); };
  const resized = () => draw(state);
  document.addEventListener("pointerdown", pressed, true);
  document.addEventListener("keydown", typed, true);
  NARROW.addEventListener("change", resized);
  state.stop = () => {
    document.removeEventListener("pointerdown", pressed, true);
    document.removeEventListener("keydown", typed, true);
    NARROW.removeEventListener("change", resized);
    state.observer.disconnect();
  };
  // The items may be drawn after this, so that what holds them is observed.
  state.observer = new MutationObserver(changed);
  const form = root.host?.closest("[data-testid=stForm]") ?? document.body;
  state.observer.observe(form, { attributes: true, childList: true, subtree: true });
  draw(state);
  return () => {
    state.stop();
    state.style.remove();
  };
}

function groups(state) {
  return [...document.querySelectorAll(`.st-key-${state.items} [role=radiogroup]`)];
}

function go(state, step) {
  const all = groups(state);
  state.step = Math.min(Math.max(step, 0), all.length);
  draw(state);
  const group = all[state.step];
  (group?.querySelector("input:checked") ?? group?.querySelector("input"))?.focus({ preventScroll: true });
}

function draw(state) {
  const all = groups(state);
  state.answers = all.map((group) => [...group.querySelectorAll("input")].findIndex((input) => input.checked));
  const answered = state.answers.filter((answer) => answer >= 0);
  const total = answered.reduce((sum, answer) => sum + answer, 0);
  const asks = NARROW.matches && state.step < all.length;
  const words = asks ? state.labels.step : state.labels.running;
  const values = { total, answered: answered.length, items: all.length, step: state.step + 1 };
  const line = state.root.querySelector("p"), said = words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  if (line.textContent !== said) line.textContent = said; // a live region speaks at each writing
  const [back, next] = state.root.querySelectorAll("button");
  back.disabled = state.step === 0;
  next.disabled = state.step >= all.length;
  const rest = state.rest.map((key) => `[data-testid="stLayoutWrapper"]:has(> .st-key-${key})`).join(", ");
  const hidden = asks
    ? `.st-key-${state.items} > :not(:nth-child(${state.step + 1})), ${rest}`
    : `.st-key-${state.items} > *`;
  // A style sheet and no attributes: the page draws its elements again as it likes.
  state.style.textContent = all.length ? `@media (max-width: 640px) { ${hidden} { display: none !important; } }` : "";
}
