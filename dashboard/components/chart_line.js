// An upright line over a Streamlit Plotly chart, put at a time on its x axis. Drawing it into the figure instead would
// make the chart another one at every moment: it would be sent and built anew, and its zoom would be lost.
const plotOf = (chart) => (chart ? document.querySelector(`.st-key-${CSS.escape(chart)} .js-plotly-plot`) : null);

function hideLine(chart, name) {
  const line = plotOf(chart)?.querySelector(`.${name}`);
  if (line) line.style.display = "none";
}

function putLine(chart, name, time) {
  const plot = plotOf(chart);
  const holder = plot?.querySelector(".svg-container");
  const axis = plot?._fullLayout?.xaxis;
  const size = plot?._fullLayout?._size;
  if (!holder || !axis?.l2p || !size) return;
  let line = holder.querySelector(`.${name}`);
  if (!line) {
    line = document.createElement("div");
    line.className = name;
    holder.append(line);
  }
  const [first, last] = axis.range;
  Object.assign(line.style, {
    display: time >= first && time <= last ? "block" : "none",
    transform: `translateX(${axis._offset + axis.l2p(time)}px)`,
    top: `${size.t}px`,
    height: `${size.h}px`,
  });
}
