// While the focus is on an item of the form, the keys 0 to 3 answer it and move on to the next item that is shown.
// Python gives: form, the selector of the form's element.
export default function (component) {
  const { form } = component.data;
  const groups = () => [...document.querySelectorAll(`${form} [role=radiogroup]`)].filter((one) => one.offsetParent);
  const onKey = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !/^[0-3]$/.test(event.key)) return;
    const group = groups().find((one) => one.contains(event.target));
    if (!group) return;
    event.preventDefault();
    const answer = group.querySelectorAll("input[type=radio]")[Number(event.key)];
    answer?.click();
    const shown = groups(); // after the click, which may have brought a question
    const next = shown[shown.indexOf(group) + 1];
    (next?.querySelector("input:checked") ?? next?.querySelector("input") ?? answer)?.focus();
  };
  component.parentElement.stopKeys?.();
  document.addEventListener("keydown", onKey);
  component.parentElement.stopKeys = () => document.removeEventListener("keydown", onKey);
  document.documentElement.dataset.answerKeys = "on"; // for whoever must know that keys are heard by now
  return () => component.parentElement.stopKeys?.();
}
