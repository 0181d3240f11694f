// A video element that is steered by Python (seek) and tells Python where it was paused (moment). While it plays, a
// line moves over the chart along the recording, without Python.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const video = parentElement.querySelector("video");
  const failure = parentElement.querySelector("p");
  video.ariaLabel = data.labels.label;
  const address = data.src.split("?")[0];
  // A link works for a while. When it has expired, Python makes another, which plays on from the same time.
  const renew = () => {
    const { currentTime, paused } = video;
    delete video.dataset.expired;
    video.src = data.src;
    video.addEventListener("loadedmetadata", () => {
      if (currentTime) { video.dataset.steered = "yes"; video.currentTime = currentTime; }
      if (!paused) video.play();
    }, { once: true });
  };
  if (video.dataset.address !== address) {
    video.dataset.address = address;
    delete video.dataset.expired;
    delete video.dataset.retried;
    video.src = data.src;
    failure.hidden = true;
  } else if (video.dataset.expired && video.dataset.expired !== data.src) {
    renew();
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
  video.onloadeddata = () => { delete video.dataset.retried; };
  video.onerror = () => {
    if (!video.dataset.retried) {
      video.dataset.retried = "yes";
      if (video.getAttribute("src") !== data.src) { renew(); return; }
      video.dataset.expired = data.src;
      setTriggerValue("expiry", data.src);
      return;
    }
    failure.hidden = false;
    failure.textContent = data.labels.fails;
  };
}
