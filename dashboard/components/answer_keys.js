// While the focus is on an item of the form, the keys 0 to 3 answer it and move on to the next item.
// Python gives: form, the selector of the form's element.
export default function (component) {
  const { form } = component.data;
  const groups = () => [...document.querySelectorAll(`${form} [role=radiogroup]`)];
  const onKey = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !/^[0-3]$/.test(event.key)) return;
    const all = groups();
    const at = all.findIndex((group) => group.contains(event.target));
    if (at < 0) return;
    event.preventDefault();
    all[at].querySelectorAll("input[type=radio]")[Number(event.key)]?.click();
    const next = all[at + 1];
    (next?.querySelector("input:checked") ?? next?.querySelector("input"))?.focus();
  };
  component.parentElement.stopKeys?.();
  document.addEventListener("keydown", onKey);
  component.parentElement.stopKeys = () => document.removeEventListener("keydown", onKey);
  document.documentElement.dataset.answerKeys = "on"; // for whoever must know that keys are heard by now
  return () => component.parentElement.stopKeys?.();
}
