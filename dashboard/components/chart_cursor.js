// Keeps a line at the chosen time of a chart, also after zooming, resizing and redrawing, of which no event tells here.
const EVERY_MS = 120;

export default function (component) {
  const { data, parentElement } = component;
  clearInterval(parentElement.timer);
  const put = () => {
    if (!parentElement.isConnected) { clearInterval(parentElement.timer); return; }
    putLine(data.chart, "fp-moment", data.time);
  };
  parentElement.timer = setInterval(put, EVERY_MS);
  put();
  return () => { clearInterval(parentElement.timer); hideLine(data.chart, "fp-moment"); };
}
