// A video element that is steered by Python (seek) and tells Python where it was paused (moment). While it plays, a
// line moves over the chart along the recording, without Python.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const video = parentElement.querySelector("video");
  const failure = parentElement.querySelector("p");
  video.ariaLabel = data.labels.label;
  const address = data.src.split("?")[0];
  if (video.dataset.address !== address) {
    video.dataset.address = address;
    video.src = data.src;
    failure.hidden = true;
  }
  // Each request has a number of its own: the same time can be requested twice.
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
  video.onpause = () => { hideLine(data.chart, "fp-now"); if (!video.ended && !video.seeking) tell(); };
  video.onseeked = () => {
    if (video.dataset.steered) delete video.dataset.steered;
    else if (video.paused) tell();
  };
  video.onplaying = () => {
    const step = () => {
      if (video.paused || video.ended || !video.isConnected) { hideLine(data.chart, "fp-now"); return; }
      putLine(data.chart, "fp-now", video.currentTime);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };
  video.onerror = () => {
    if (video.dataset.renewed !== data.src) { video.dataset.renewed = data.src; video.src = data.src; return; }
    failure.hidden = false;
    failure.textContent = data.labels.fails;
  };
}
