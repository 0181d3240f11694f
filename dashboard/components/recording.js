// Shared by the components that record the camera; they come after this.
const KINDS = ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"];
const BITS_PER_SECOND = 2_500_000;
const PARTS_LEFT = 3; // parts of a second for which there is room when a recording is halted

function clock(seconds) {
  const whole = Math.floor(seconds), two = (n) => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60, hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function fileName(date, kind) {
  const two = (n) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
  return `camera-${day}-${time}.${kind.startsWith("video/mp4") ? "mp4" : "webm"}`;
}

// Record a stream until `halt()`, until a track of it ends, or just before it were too large to be uploaded: what comes
// after the halt has room. `done(file)` is called then.
function record(stream, maxBytes, done) {
  const kind = KINDS.find((one) => MediaRecorder.isTypeSupported(one)) ?? "";
  const parts = [];
  const recorder = new MediaRecorder(stream, { ...(kind && { mimeType: kind }), videoBitsPerSecond: BITS_PER_SECOND });
  const began = new Date();
  let bytes = 0, largest = 0;
  const halt = () => { if (recorder.state === "recording") recorder.stop(); };
  recorder.ondataavailable = (event) => {
    parts.push(event.data);
    bytes += event.data.size;
    largest = Math.max(largest, event.data.size);
    if (bytes + PARTS_LEFT * largest > maxBytes) halt();
  };
  recorder.onstop = () => done(new File(parts, fileName(began, recorder.mimeType), {
    type: recorder.mimeType.split(";")[0], lastModified: began.getTime(),
  }));
  recorder.onerror = halt;
  for (const track of stream.getTracks()) track.addEventListener("ended", halt);
  recorder.start(1000);
  return { halt, seconds: () => (Date.now() - began.getTime()) / 1000 };
}
