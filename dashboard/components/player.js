// A video element that is steered by Python (seek) and tells Python where it was paused (moment). While it plays, a
// line moves over the chart along the recording, without Python.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const video = parentElement.querySelector("video");
  const words = parentElement.querySelector("p");
  const address = data.src.split("?")[0];
  if (video.dataset.address !== address) {
    video.dataset.address = address;
    video.src = data.src;
    words.hidden = true;
  }
  // Each wish has a number of its own: the same moment can be wished for twice.
  const wish = data.seek ? String(data.seek.turn) : "";
  if (wish !== (video.dataset.wish ?? "")) {
    video.dataset.wish = wish;
    const go = () => {
      if (Math.abs(video.currentTime - data.seek.time) <= 0.05) return;
      video.dataset.steered = "yes";
      video.currentTime = data.seek.time;
    };
    if (wish) video.readyState >= 1 ? go() : video.addEventListener("loadedmetadata", go, { once: true });
  }
  const tell = () => setTriggerValue("moment", video.currentTime);
  video.onpause = () => { hide(data.chart); if (!video.ended && !video.seeking) tell(); };
  video.onseeked = () => {
    if (video.dataset.steered) delete video.dataset.steered;
    else if (video.paused) tell();
  };
  video.onplaying = () => {
    const step = () => {
      if (video.paused || video.ended || !video.isConnected) { hide(data.chart); return; }
      follow(data.chart, video.currentTime);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };
  video.onerror = () => {
    if (video.dataset.renewed !== data.src) { video.dataset.renewed = data.src; video.src = data.src; return; }
    words.hidden = false;
    words.textContent = `This browser cannot play the recording${data.codec ? ` (${data.codec})` : ""}. Its analysis is not affected.`;
  };
}

const plotOf = (chart) => (chart ? document.querySelector(`.st-key-${CSS.escape(chart)} .js-plotly-plot`) : null);

function hide(chart) {
  const line = plotOf(chart)?.querySelector(".fp-now");
  if (line) line.style.display = "none";
}

function follow(chart, time) {
  const plot = plotOf(chart);
  const holder = plot?.querySelector(".svg-container");
  const axis = plot?._fullLayout?.xaxis;
  const size = plot?._fullLayout?._size;
  if (!holder || !axis?.l2p || !size) return;
  let line = holder.querySelector(".fp-now");
  if (!line) {
    line = document.createElement("div");
    line.className = "fp-now";
    holder.append(line);
  }
  const [first, last] = axis.range;
  line.style.display = time >= first && time <= last ? "block" : "none";
  line.style.transform = `translateX(${axis._offset + axis.l2p(time)}px)`;
  line.style.top = `${size.t}px`;
  line.style.height = `${size.h}px`;
}
