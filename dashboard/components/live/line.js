// The line to the server: pictures go out as a websocket's binary messages, and answers come in.
// No picture waits: while two are on their way, or the line still holds one, the next ones are dropped here; the server
// drops what another one overtook. A line that breaks is opened again.
const ON_THE_WAY = 2;
const RATE_MS = 3000;
const SILENT_MS = 3000;
const PAUSES_MS = [500, 1000, 2000, 4000, 8000];
const BUSY_MS = 5000;
const HIDDEN_MS = 500;

class Line {
  // `hear` is told: answer(result, picture), state(name, sentence): open, busy, gone, refused, broken, unreadable.
  constructor(address, hear) {
    this.address = address;
    this.hear = hear;
    this.failures = 0;
    this.seen = [];
    this.answers = [];
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.pictures = new Map();
    this.sent = 0;
    this.end = null;
    const socket = new WebSocket(this.address);
    this.socket = socket;
    socket.onopen = () => { this.since = performance.now(); this.hear.state("open", ""); };
    socket.onmessage = (event) => { if (this.socket === socket) this.take(JSON.parse(event.data)); };
    socket.onclose = (event) => { if (this.socket === socket) this.lost(event); };
  }

  get isOpen() { return this.socket?.readyState === 1; }

  // Whether the camera's picture of this moment is to be sent. Each is counted.
  wants(now) {
    this.seen.push(now);
    return this.isOpen && this.pictures.size < ON_THE_WAY && this.socket.bufferedAmount === 0;
  }

  send(bytes, picture) {
    if (!this.isOpen) return;
    this.pictures.set(this.sent, picture);
    this.sent += 1;
    this.socket.send(bytes);
  }

  take(result) {
    if (result.index === undefined) { this.end = result.problem; return; }
    const picture = this.pictures.get(result.index);
    for (const index of [...this.pictures.keys()]) if (index <= result.index) this.pictures.delete(index);
    this.failures = 0;
    const now = performance.now();
    this.since = now;
    if (picture) this.answers.push({ at: now, delay: now - picture.taken });
    this.hear.answer(result, picture);
  }

  lost(event) {
    this.socket = null;
    this.pictures = new Map();
    const states = { 1008: this.end ? "unreadable" : "gone", 1011: "broken", 1013: "busy", 1000: "over" };
    const name = states[event.code] ?? "gone";
    const sentence = this.end?.detail ?? "";
    this.hear.state(name, sentence);
    if (name === "unreadable") return;
    const pause = name === "busy" ? BUSY_MS : PAUSES_MS[Math.min(this.failures, PAUSES_MS.length - 1)];
    this.failures += 1;
    this.wait(pause);
  }

  // A page that nobody sees takes no place at the server.
  wait(pause) {
    this.timer = setTimeout(() => (globalThis.document?.hidden ? this.wait(HIDDEN_MS) : this.open()), pause);
  }

  // Pictures a second from the camera and with an answer, the median delay in ms, and whether answers stay away.
  figures(now) {
    this.seen = this.seen.filter((at) => now - at < RATE_MS);
    this.answers = this.answers.filter(({ at }) => now - at < RATE_MS);
    const rate = (times) => (times.length > 1 ? (times.length - 1) / (times.at(-1) - times[0]) * 1000 : 0);
    const delays = this.answers.map(({ delay }) => delay).sort((a, b) => a - b);
    return {
      camera: rate(this.seen),
      answered: rate(this.answers.map(({ at }) => at)),
      delay: delays.length ? delays[delays.length >> 1] : null,
      silent: this.isOpen && this.pictures.size > 0 && now - this.since > SILENT_MS,
    };
  }

  close() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
  }
}
