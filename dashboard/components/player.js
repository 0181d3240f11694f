// A video element that is steered by Python (seek) and tells Python where it was paused (moment).
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
  const seek = data.seek === null || data.seek === undefined ? "" : String(data.seek);
  if (seek !== (video.dataset.seek ?? "")) {
    video.dataset.seek = seek;
    const go = () => {
      if (Math.abs(video.currentTime - Number(seek)) <= 0.05) return;
      video.dataset.steered = "yes";
      video.currentTime = Number(seek);
    };
    if (seek !== "") video.readyState >= 1 ? go() : video.addEventListener("loadedmetadata", go, { once: true });
  }
  const tell = () => {
    video.dataset.seek = String(video.currentTime);
    setTriggerValue("moment", video.currentTime);
  };
  video.onpause = () => { if (!video.ended && !video.seeking) tell(); };
  video.onseeked = () => {
    if (video.dataset.steered) delete video.dataset.steered;
    else if (video.paused) tell();
  };
  video.onerror = () => {
    if (video.dataset.renewed !== data.src) { video.dataset.renewed = data.src; video.src = data.src; return; }
    words.hidden = false;
    words.textContent = `This browser cannot play the recording${data.codec ? ` (${data.codec})` : ""}. Its analysis is not affected.`;
  };
}
